#include "policy/routing/strategies.h"

#include "policy/routing/target_cost.h"

#include <cmath>
#include <limits>

namespace headgate::policy {
namespace {

using Candidates = std::vector<Candidate>;

/// Weights are ratios: beyond a billion to one nothing would change, and sums stay exact.
std::int64_t bounded_weight(const Candidate& candidate) {
    return std::clamp<std::int64_t>(candidate.weight, 0, 1'000'000'000);
}

std::int64_t total_weight(const Candidates& candidates) {
    std::int64_t total = 0;
    for (const Candidate& candidate : candidates) {
        total += bounded_weight(candidate);
    }
    return total;
}

/// Moves the candidate at `index` to the front; the others keep their order.
void put_first(Candidates& candidates, std::size_t index) {
    const auto chosen = candidates.begin() + static_cast<std::ptrdiff_t>(index);
    std::rotate(candidates.begin(), chosen, chosen + 1);
}

/// Sorts by `key`, lowest first; ties stay as they are. Each key is read once: other workers change
/// the health while we sort.
template <class Key>
void sort_by(Candidates& candidates, Key key) {
    using Value = decltype(key(candidates.front()));
    std::vector<std::pair<Value, std::size_t>> order;
    order.reserve(candidates.size());
    for (const Candidate& candidate : candidates) {
        order.emplace_back(key(candidate), order.size());
    }
    std::ranges::sort(order);
    Candidates sorted;
    sorted.reserve(candidates.size());
    for (const auto& [value, index] : order) {
        sorted.push_back(candidates[index]);
    }
    candidates = std::move(sorted);
}

void draw_by_weight(Candidates& candidates, Random& random) {
    const std::int64_t total = total_weight(candidates);
    if (total == 0) {
        return;
    }
    // The bias of the remainder is at most total / 2^64.
    auto drawn = static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(total));
    std::size_t index = 0;
    while (drawn >= bounded_weight(candidates[index])) {
        drawn -= bounded_weight(candidates[index]);
        ++index;
    }
    put_first(candidates, index);
}

double load_of(const Candidate& candidate) {
    const std::int64_t weight = bounded_weight(candidate);
    return weight == 0 ? std::numeric_limits<double>::infinity()
                       : candidate.planned.health->in_flight() / static_cast<double>(weight);
}

/// Those without a measurement come first, so that they get one.
std::int64_t first_byte_of(const Candidate& candidate) {
    const auto measured = candidate.planned.health->first_byte();
    return measured ? measured->count() : -1;
}

/// Now and then another one, or a target that was slow once would never be measured again.
void explore(Candidates& candidates, Random& random) {
    constexpr double kExploration = 0.05;
    if (candidates.size() > 1 && random.fraction() < kExploration) {
        put_first(candidates, 1 + random.next() % (candidates.size() - 1));
    }
}

void sort_by_cost(Candidates& candidates, const Arrangement& by) {
    sort_by(candidates, [&by](const Candidate& candidate) {
        const auto cost = estimated_cost(by.prices, candidate.planned.target, by.facts);
        return std::pair{!cost.has_value(), cost.value_or(providers::Money{})};
    });
}

/// FNV-1a.
std::uint64_t digest_of(std::string_view text, std::uint64_t hash) {
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash;
}

/// How little a target wants the prefix, for weighted rendezvous hashing: an exponential variate
/// drawn by the two of them, so that each target is the lowest as often as its weight says, and
/// only the prefixes of a target that goes away move. It depends on names alone: every worker and
/// process finds the same.
double reluctance(const Candidate& candidate, std::uint64_t prefix) {
    const std::int64_t weight = bounded_weight(candidate);
    if (weight == 0) {
        return std::numeric_limits<double>::infinity();
    }
    const providers::Target& target = candidate.planned.target;
    const std::uint64_t provider = digest_of(target.provider->name, 0xcbf29ce484222325U);
    Random draw{prefix ^ digest_of(target.model, digest_of("/", provider))};
    const double never_zero = 1.0 - draw.fraction();
    return -std::log(never_zero) / static_cast<double>(weight);
}

/// More than 1.25 × its share of what is in flight, with one to spare: a share of little is less
/// than one request.
bool is_overloaded(const Candidates& candidates, std::size_t index) {
    double in_flight = 0;
    for (const Candidate& candidate : candidates) {
        in_flight += candidate.planned.health->in_flight();
    }
    const auto weight = static_cast<double>(bounded_weight(candidates[index]));
    const double share = in_flight * weight / static_cast<double>(total_weight(candidates));
    return candidates[index].planned.health->in_flight() > 1.25 * share + 1;
}

void prefer_by_prefix(Candidates& candidates, std::uint64_t prefix) {
    if (total_weight(candidates) == 0) {
        return;
    }
    const auto chosen = std::ranges::min_element(
        candidates, {}, [prefix](const Candidate& c) { return reluctance(c, prefix); });
    const auto index = static_cast<std::size_t>(chosen - candidates.begin());
    if (!is_overloaded(candidates, index)) {
        put_first(candidates, index);
    }
}

void arrange_by_strategy(const Arrangement& by, Random& random, Candidates& candidates) {
    switch (by.route.strategy) {
        case Strategy::ordered:
            return;
        case Strategy::weighted:
            draw_by_weight(candidates, random);
            return;
        case Strategy::least_busy:
            sort_by(candidates, load_of);
            return;
        case Strategy::fastest:
            sort_by(candidates, first_byte_of);
            explore(candidates, random);
            return;
        case Strategy::cheapest:
            sort_by_cost(candidates, by);
            return;
    }
}

}  // namespace

void arrange(const Arrangement& by, Random& random, Candidates& candidates) {
    if (candidates.size() < 2) {
        return;
    }
    arrange_by_strategy(by, random, candidates);
    if (by.route.has_prefix_affinity && by.facts.prefix != 0) {
        prefer_by_prefix(candidates, by.facts.prefix);
    }
}

}  // namespace headgate::policy
