#include "policy/routing/candidates.h"

namespace headgate::policy {
namespace {

using providers::Provider;

bool is_simulator(const Provider& provider) {
    return provider.kind == providers::ProviderKind::simulator;
}

/// Why a target can never serve the request; empty: it can.
std::string_view lasting_reason(const CandidateSearch& search,
                                const Provider& provider,
                                std::string_view model) {
    if (!provider.enabled) {
        return "disabled";
    }
    if (search.route.is_implicit && is_simulator(provider) && !search.simulators_answer) {
        return "simulator";
    }
    if (!search.route.is_implicit && !serves(provider, model)) {
        return "model";
    }
    return can_serve(provider.wire, search.facts.endpoint->operation) ? std::string_view{}
                                                                      : "endpoint";
}

std::string_view resting_reason(const TargetHealth::Availability& availability) {
    return availability.state == TargetHealth::Availability::State::benched
               ? to_string(availability.bench)
               : "breaker_open";
}

/// Whether an earlier target of the route comes down to the same. The implicit route has each
/// provider once.
bool is_repeated(const CandidateSearch& search, std::size_t place, std::string_view model) {
    if (search.route.is_implicit) {
        return false;
    }
    const std::span<const RouteTarget> targets = search.route.targets;
    return std::ranges::any_of(targets.first(place), [&](const RouteTarget& earlier) {
        return earlier.provider == targets[place].provider &&
               model_of(earlier, search.facts.model) == model;
    });
}

/// Of the targets that have to rest the one that may be tried soonest.
struct Soonest {
    Candidate candidate;
    providers::SteadyTime until;
    std::size_t skipped_at = 0;
};

}  // namespace

std::vector<Candidate> candidates(const CandidateSearch& search,
                                  std::vector<SkippedTarget>& skipped) {
    const std::span<const RouteTarget> targets = search.route.targets;
    std::vector<Candidate> usable;
    usable.reserve(targets.size());
    std::optional<Soonest> soonest;
    for (std::size_t place = 0; place < targets.size(); ++place) {
        const Provider& provider = *targets[place].provider;
        const std::string_view model = model_of(targets[place], search.facts.model);
        if (is_repeated(search, place, model) ||
            (search.route.is_implicit && !serves(provider, model))) {
            continue;
        }
        const std::string_view reason = lasting_reason(search, provider, model);
        if (!reason.empty()) {
            skipped.push_back({.provider = provider.name, .model = model, .reason = reason});
            continue;
        }
        TargetHealth& health = search.healths.of(provider, model);
        const TargetHealth::Availability availability = health.availability(search.now);
        const Candidate candidate{
            .planned = {.target = {.provider = &provider, .model = model}, .health = &health},
            .weight = targets[place].weight};
        if (availability.may_be_tried()) {
            usable.push_back(candidate);
            continue;
        }
        if (!soonest || availability.until < soonest->until) {
            soonest = {
                .candidate = candidate, .until = availability.until, .skipped_at = skipped.size()};
        }
        skipped.push_back(
            {.provider = provider.name, .model = model, .reason = resting_reason(availability)});
    }
    if (usable.empty() && soonest) {
        soonest->candidate.planned.is_last_resort = true;
        usable.push_back(soonest->candidate);
        skipped.erase(skipped.begin() + static_cast<std::ptrdiff_t>(soonest->skipped_at));
    }
    return usable;
}

bool simulators_answer(const Snapshot& snapshot) {
    return std::ranges::all_of(
        snapshot.providers, [](const auto& settings) { return is_simulator(settings->provider); });
}

}  // namespace headgate::policy
