#pragma once

#include "policy/config/snapshot.h"
#include "policy/routing/router.h"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace headgate::policy {

/// The healths of a test: real ones, one a target.
class OwnHealths : public TargetHealths {
public:
    TargetHealth& of(const providers::Provider& provider, std::string_view model) override {
        const std::pair key{provider.name, std::string(model)};
        auto found = healths_.find(key);
        if (found == healths_.end()) {
            found =
                healths_.emplace(key, std::make_unique<TargetHealth>(key.first, key.second)).first;
        }
        return *found->second;
    }

private:
    std::map<std::pair<std::string, std::string>, std::unique_ptr<TargetHealth>> healths_;
};

/// A policy that a test builds without a file, and the requests that it asks.
class PolicyInCode {
public:
    PolicyInCode() { project("search"); }

    providers::Provider& provider(std::string name,
                                  std::vector<std::string> models = {},
                                  providers::ProviderKind kind = providers::ProviderKind::openai) {
        auto settings = std::make_unique<ProviderSettings>();
        settings->provider.name = std::move(name);
        settings->provider.kind = kind;
        settings->provider.models = std::move(models);
        snapshot_.providers.push_back(std::move(settings));
        return snapshot_.providers.back()->provider;
    }

    Project& project(std::string id) {
        snapshot_.projects.push_back(std::make_unique<Project>());
        snapshot_.projects.back()->id = std::move(id);
        return *snapshot_.projects.back();
    }

    /// A route to all providers so far, models as asked.
    Route& route(std::string name, std::vector<std::string> models = {"*"}) {
        auto route = std::make_unique<Route>();
        route->name = std::move(name);
        route->models = std::move(models);
        for (const auto& settings : snapshot_.providers) {
            route->targets.push_back({.provider = &settings->provider, .model = {}});
        }
        snapshot_.routes.push_back(std::move(route));
        return *snapshot_.routes.back();
    }

    /// What stands where a policy has no `routes`.
    Route& implicit_route() {
        Route& implicit = route("default");
        implicit.is_implicit = true;
        return implicit;
    }

    /// A chat request of the first project.
    Facts facts(std::string_view model, std::string_view path = "/v1/chat/completions") const {
        Facts facts;
        facts.project = snapshot_.projects.front().get();
        facts.endpoint = providers::classify(providers::Method::post, path).endpoint;
        facts.model = model;
        return facts;
    }

    providers::Result<Plan> plan(const Facts& facts, std::uint64_t seed = 1) {
        return Router{snapshot_}.plan(facts, circumstances(seed));
    }

    Circumstances circumstances(std::uint64_t seed = 1) {
        return {.healths = healths_, .random = Random{seed}, .now = now_};
    }

    TargetHealth& health(std::string_view provider, std::string_view model) {
        for (const auto& settings : snapshot_.providers) {
            if (settings->provider.name == provider) {
                return healths_.of(settings->provider, model);
            }
        }
        throw std::invalid_argument("no such provider");
    }

    /// Ends one attempt at the target as reported.
    void record(std::string_view provider, std::string_view model, const AttemptReport& report) {
        auto permit =
            AttemptPermit::acquire(health(provider, model), AttemptPermit::Why::last_resort, now_);
        permit->record(report, {.failures = 1}, now_);
    }

    /// Keeps `count` attempts at the target in flight until the end of the test.
    void occupy(std::string_view provider, std::string_view model, int count) {
        for (int i = 0; i < count; ++i) {
            in_flight_.push_back(*AttemptPermit::acquire(health(provider, model),
                                                         AttemptPermit::Why::last_resort, now_));
        }
    }

    Snapshot& snapshot() { return snapshot_; }
    OwnHealths& healths() { return healths_; }
    providers::SteadyTime now() const { return now_; }
    void pass(std::chrono::milliseconds time) { now_ += time; }

private:
    Snapshot snapshot_;
    OwnHealths healths_;
    std::deque<AttemptPermit> in_flight_;
    providers::SteadyTime now_{std::chrono::hours{1}};
};

inline AttemptReport failure() {
    return {
        .kind = AttemptReport::Kind::failure, .status = 503, .reason = "status", .retry_after = {}};
}

inline AttemptReport rate_limited(std::chrono::milliseconds retry_after) {
    return {.kind = AttemptReport::Kind::rate_limited,
            .status = 429,
            .reason = "status",
            .retry_after = retry_after};
}

inline AttemptReport success(std::chrono::microseconds first_byte) {
    return {.kind = AttemptReport::Kind::success,
            .status = 200,
            .reason = {},
            .retry_after = {},
            .is_daily = false,
            .first_byte = first_byte};
}

/// "a b/model !c": the plan's targets, with the model where it is not `asked`, and a `!` before a
/// last resort; then "| d:reason" of the skipped ones. Of a refusal its code.
inline std::string told(const providers::Result<Plan>& plan, std::string_view asked) {
    if (!plan) {
        return std::string(to_string(plan.error().code));
    }
    std::string text;
    for (const PlannedTarget& planned : plan->targets) {
        text += text.empty() ? "" : " ";
        text += (planned.is_last_resort ? "!" : "") + planned.target.provider->name;
        text += planned.target.model == asked ? "" : "/" + std::string(planned.target.model);
    }
    for (const SkippedTarget& skipped : plan->skipped) {
        text += " | " + std::string(skipped.provider) + ":" + std::string(skipped.reason);
    }
    return text;
}

}  // namespace headgate::policy
