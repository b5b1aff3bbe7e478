#include "proxy/pipeline/policy_view.h"

#include "proxy/net/simulator_session.h"

namespace headgate::proxy {
namespace {

/// Names remembered a provider. Clients may choose names without end; further ones are looked up.
constexpr std::size_t kMaxKnown = 1024;

bool leads_to_same_place(const ProviderWire& a, const ProviderWire& b) {
    const providers::Provider& x = a.settings->provider;
    const providers::Provider& y = b.settings->provider;
    return x.base_url.host == y.base_url.host && x.base_url.port == y.base_url.port &&
           x.base_url.is_tls == y.base_url.is_tls && a.trust == b.trust &&
           x.allow_private == y.allow_private && x.max_connections == y.max_connections &&
           x.kind == y.kind && x.wire == y.wire &&
           a.settings->is_simulated == b.settings->is_simulated &&
           a.settings->behaviour == b.settings->behaviour;
}

}  // namespace

PolicyView::PolicyView(Reactor& reactor,
                       Resolver& resolver,
                       policy::HealthTable& healths,
                       std::shared_ptr<const LoadedPolicy> policy,
                       const PolicyView* previous)
    : table_{healths}, policy_{std::move(policy)} {
    lines_.reserve(policy_->wires.size());
    for (const ProviderWire& wire : policy_->wires) {
        lines_.push_back({&wire, upstream_for(reactor, resolver, wire, previous)});
        by_provider_.emplace(&wire.settings->provider, &lines_.back());
    }
}

std::shared_ptr<Upstream> PolicyView::upstream_for(Reactor& reactor,
                                                   Resolver& resolver,
                                                   const ProviderWire& wire,
                                                   const PolicyView* previous) const {
    const providers::Provider& provider = wire.settings->provider;
    if (previous != nullptr) {
        for (const ProviderLine& line : previous->lines_) {
            if (line.provider().name == provider.name && leads_to_same_place(*line.wire, wire)) {
                return line.upstream;
            }
        }
    }
    UpstreamSettings settings;
    settings.host = provider.base_url.host;
    settings.port = provider.base_url.port;
    settings.egress.allow_private = provider.allow_private;
    settings.max_connections = provider.max_connections;
    if (wire.trust) {
        settings.tls = std::make_unique<ClientTls>(wire.trust);
    }
    if (provider.kind == providers::ProviderKind::simulator || wire.settings->is_simulated) {
        auto simulator = std::make_shared<Simulator>(wire.settings->behaviour, provider.wire);
        settings.open_internal = [&reactor, simulator] {
            return open_simulated(reactor, simulator);
        };
    }
    return std::make_shared<Upstream>(reactor, resolver, std::move(settings));
}

ProviderLine* PolicyView::line(std::string_view provider) {
    const auto found = std::ranges::find_if(
        lines_, [provider](const ProviderLine& line) { return line.provider().name == provider; });
    return found == lines_.end() ? nullptr : &*found;
}

policy::TargetHealth& PolicyView::of(const providers::Provider& provider, std::string_view model) {
    Known& known = known_[&provider];
    if (const auto found = known.find(model); found != known.end()) {
        return *found->second;
    }
    std::shared_ptr<policy::TargetHealth> health = table_.of(provider.name, model);
    policy::TargetHealth& target = *health;
    held_.insert(std::move(health));
    if (known.size() < kMaxKnown) {
        known.emplace(model, &target);
    }
    return target;
}

}  // namespace headgate::proxy
