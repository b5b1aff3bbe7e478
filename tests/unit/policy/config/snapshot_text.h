#pragma once

#include "policy/config/snapshot.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// Every field of a Snapshot as lines of text: two snapshots with the same text are the same. What
/// only tells one loading from another (`generation`) is left out.
class SnapshotText {
public:
    /// `digests`: of the client keys to look up, since a key ring cannot be listed.
    static std::string of(const Snapshot& snapshot, const std::vector<KeyDigest>& digests = {}) {
        SnapshotText text;
        text.add_process(snapshot);
        text.add_protect(snapshot.protect);
        for (const auto& settings : snapshot.providers) {
            text.add_provider(*settings);
        }
        for (const auto& project : snapshot.projects) {
            text.out_ << "project " << project->id << " enabled=" << project->enabled;
            text.add("models", project->models);
            text.add("endpoints", project->endpoints);
            text.out_ << " max_output=" << project->max_output.value_or(-1)
                      << " unpriced=" << static_cast<int>(project->unpriced_models);
            text.add(project->limits);
            text.add(project->budget);
            text.out_ << '\n';
        }
        for (const auto& route : snapshot.routes) {
            text.add_route(*route);
        }
        text.add_keys(snapshot.keys, digests);
        text.add_state(snapshot.state);
        text.add_money(snapshot);
        return text.out_.str();
    }

private:
    void add(std::string_view name, const std::vector<std::string>& values) {
        out_ << ' ' << name << "=[";
        for (const std::string& value : values) {
            out_ << value << ';';
        }
        out_ << ']';
    }

    template <class Comparison>
    void add(std::string_view name, const std::optional<Comparison>& comparison) {
        if (comparison) {
            out_ << ' ' << name << '=' << static_cast<int>(comparison->is) << '/'
                 << comparison->value << '/' << comparison->text;
        }
    }

    void add(const std::vector<LimitEntry>& limits) {
        for (const LimitEntry& entry : limits) {
            out_ << " limit " << entry.label() << " mode=" << static_cast<int>(entry.mode);
            for (const std::int64_t amount : entry.amounts) {
                out_ << '/' << amount;
            }
        }
    }

    void add(const std::optional<BudgetSettings>& budget) {
        if (!budget) {
            return;
        }
        out_ << " budget " << budget->limit.to_string() << " per=" << to_string(budget->per)
             << " since=" << (budget->since ? budget->since->time_since_epoch().count() : -1)
             << " mode=" << static_cast<int>(budget->mode)
             << " tight=" << static_cast<int>(budget->when_tight);
        for (const int percent : budget->alert_at) {
            out_ << '/' << percent;
        }
    }

    void add_state(const StateSettings& state) {
        out_ << "state directory=" << state.directory
             << " redis=" << (state.redis ? state.redis->to_string() : "none");
        if (state.redis) {
            out_ << ' ' << state.redis->user << ':' << state.redis->password.reveal();
        }
        out_ << " records=" << static_cast<int>(state.records) << ' ' << state.sqlite_path << ' '
             << state.postgresql.reveal() << " retention=" << state.retention.count()
             << " durability=" << static_cast<int>(state.durability)
             << " failure=" << static_cast<int>(state.on_redis_failure)
             << " replicas=" << state.replicas.value_or(0) << " namespace=" << state.key_space
             << " shard_by=" << static_cast<int>(state.shard_by) << '\n';
    }

    void add_money(const Snapshot& snapshot) {
        out_ << "organization";
        add(snapshot.organization.limits);
        add(snapshot.organization.budget);
        const AlertSettings& alerts = snapshot.alerts;
        out_ << "\nalerts " << (alerts.webhook ? alerts.webhook->authority() : "none")
             << (alerts.webhook ? alerts.webhook->base_path : "") << ' ' << alerts.secret.reveal()
             << '\n';
        for (const PriceOverride& each : snapshot.prices) {
            const providers::Price& price = each.price;
            out_ << "price " << each.pattern << ' ' << price.input.to_string() << '/'
                 << price.output.to_string();
            for (const auto& part :
                 {price.cached_input, price.cache_write, price.reasoning, price.audio_input,
                  price.audio_output, price.image_input, price.image_output, price.per_image}) {
                out_ << '/' << (part ? part->to_string() : "-");
            }
            out_ << '\n';
        }
    }

    void add_process(const Snapshot& snapshot) {
        for (const ListenAddress& address : snapshot.listen) {
            out_ << "listen " << address.to_string() << '\n';
        }
        out_ << "shared=" << snapshot.listen_shared << " workers=" << snapshot.workers
             << " watch=" << snapshot.watch << " drain_delay=" << snapshot.drain_delay.count()
             << " shutdown_grace=" << snapshot.shutdown_grace.count()
             << " admin=" << (snapshot.admin_listen ? snapshot.admin_listen->to_string() : "none")
             << '\n';
        for (const AdminKey& key : snapshot.admin_keys) {
            out_ << "admin key " << key.name << ' ' << to_hex(key.digest) << '\n';
        }
        out_ << "log level=" << static_cast<int>(snapshot.log.level)
             << " access=" << snapshot.log.access << '\n';
    }

    void add_protect(const Protect& protect) {
        out_ << "protect header_bytes=" << protect.max_header_bytes
             << " headers=" << protect.max_headers << " body=" << protect.max_body
             << " json=" << protect.max_json << " header_timeout=" << protect.header_timeout.count()
             << " body_idle=" << protect.body_idle_timeout.count()
             << " keepalive=" << protect.keepalive_timeout.count()
             << " connections=" << protect.max_connections
             << " per_ip=" << protect.max_connections_per_ip;
        add("trusted", protect.trusted_proxies);
        out_ << '\n';
    }

    void add_provider(const ProviderSettings& settings) {
        const providers::Provider& provider = settings.provider;
        out_ << "provider " << provider.name << " kind=" << to_string(provider.kind)
             << " wire=" << to_string(provider.wire) << " tls=" << provider.base_url.is_tls
             << " url=" << provider.base_url.authority() << provider.base_url.base_path
             << " key=" << provider.api_key.reveal() << " token_file=" << provider.token_file
             << " organization=" << provider.organization << " project=" << provider.project
             << " version=" << provider.api_version
             << " factor=" << provider.price_factor.billionths
             << " connections=" << provider.max_connections << " enabled=" << provider.enabled
             << " private=" << provider.allow_private << " verify=" << provider.tls_verify
             << " ca=" << provider.tls_ca << " forward=" << provider.forward_headers.organization
             << provider.forward_headers.project << provider.forward_headers.beta;
        add("models", provider.models);
        for (const providers::Deployment& deployment : provider.deployments) {
            out_ << " deployment " << deployment.model << '=' << deployment.name;
        }
        for (const auto& [name, value] : provider.headers) {
            out_ << " header " << name << '=' << value;
        }
        out_ << " simulated=" << settings.is_simulated;
        add_behaviour(settings.behaviour);
        out_ << '\n';
    }

    void add_behaviour(const providers::Behaviour& behaviour) {
        out_ << " first_byte=" << behaviour.first_byte.count()
             << " token_delay=" << behaviour.token_delay.count() << " tokens=" << behaviour.tokens;
        for (const providers::Fault& fault : behaviour.fail) {
            out_ << " fault " << fault.status.value_or(-1) << '/'
                 << fault.delay.value_or(std::chrono::milliseconds{-1}).count() << '/'
                 << fault.cut_after.value_or(-1) << '/' << fault.rate << '/'
                 << fault.retry_after.value_or(std::chrono::milliseconds{-1}).count();
        }
    }

    void add_conditions(const Conditions& when) {
        std::vector<std::string> projects;  // a set, which the snapshot sorts by address
        for (const Project* project : when.projects) {
            projects.push_back(project->id);
        }
        std::ranges::sort(projects);
        add("when projects", projects);
        add("when endpoints", when.endpoints);
        out_ << " when stream=" << (when.stream ? int{*when.stream} : -1);
        for (const HeaderCondition& header : when.headers) {
            out_ << " when header " << header.name << '=' << header.glob;
        }
        add("when budget_used", when.budget_used);
        add("when input_tokens", when.input_tokens);
    }

    void add_route(const Route& route) {
        out_ << "route " << route.name << " implicit=" << route.is_implicit;
        add("models", route.models);
        add_conditions(route.when);
        out_ << " strategy=" << to_string(route.strategy)
             << " affinity=" << route.has_prefix_affinity;
        for (const RouteTarget& target : route.targets) {
            out_ << " target " << target.provider->name << '/' << target.model << '/'
                 << target.weight;
        }
        const FallbackOn& fallback = route.fallback_on;
        out_ << " fallback=";
        for (std::size_t status = 0; status < fallback.statuses.size(); ++status) {
            out_ << (fallback.statuses.test(status) ? std::to_string(status) + "," : "");
        }
        out_ << fallback.connect << fallback.timeout << fallback.cut << fallback.invalid;
        const RetrySettings& retry = route.retry;
        out_ << " retry=" << retry.attempts << '/' << retry.backoff.count() << '/'
             << retry.max_backoff.count();
        const Timeouts& timeouts = route.timeouts;
        out_ << " timeouts=" << timeouts.connect.count() << '/' << timeouts.first_byte.count()
             << '/' << timeouts.first_event.count() << '/' << timeouts.idle.count() << '/'
             << timeouts.total.count() << '/' << timeouts.stream_total.count();
        const BreakerSettings& breaker = route.breaker;
        out_ << " breaker=" << breaker.failures << '/' << breaker.window.count() << '/'
             << breaker.open_for.count() << '/' << breaker.probes_models
             << " keepalive=" << route.keepalive.count()
             << " gone=" << static_cast<int>(route.on_client_gone) << '\n';
    }

    void add_keys(const KeyRing& keys, const std::vector<KeyDigest>& digests) {
        out_ << "keys " << keys.size() << '\n';
        for (const KeyDigest& digest : digests) {
            if (const Key* key = keys.find(digest)) {
                out_ << "key " << to_hex(digest) << ' ' << key->name << ' ' << key->project->id
                     << ' ' << (key->expires ? key->expires->time_since_epoch().count() : -1) << ' '
                     << key->prefix;
                add(key->limits);
                out_ << '\n';
            }
        }
    }

    std::ostringstream out_;
};

}  // namespace headgate::policy
