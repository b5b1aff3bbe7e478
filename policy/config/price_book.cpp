#include "policy/config/price_book.h"

#include "policy/config/glob_sets.h"

#include <algorithm>
#include <compare>
#include <string_view>

namespace headgate::policy {
namespace {

using providers::glob_matches;
using providers::Price;
using providers::ServiceTier;
using providers::Tokens;

constexpr Price kNoPrice{};

/// `text` against "provider/model", without writing that down.
std::strong_ordering compare(std::string_view text,
                             std::string_view provider,
                             std::string_view model) {
    const auto by_provider = text.substr(0, provider.size()) <=> provider;
    if (by_provider != 0) {
        return by_provider;
    }
    text.remove_prefix(provider.size());
    const auto by_slash = text.substr(0, 1) <=> std::string_view{"/"};
    return by_slash != 0 ? by_slash : text.substr(1) <=> model;
}

bool glob_matches_target(std::string_view glob, std::string_view provider, std::string_view model) {
    const std::size_t slash = glob.find('/');
    return slash != std::string_view::npos && glob_matches(glob.substr(0, slash), provider) &&
           glob_matches(glob.substr(slash + 1), model);
}

}  // namespace

std::string_view to_string(PriceSource source) {
    switch (source) {
        case PriceSource::none:
            return "none";
        case PriceSource::policy:
            return "policy";
        case PriceSource::catalogue:
            return "catalogue";
    }
    return {};
}

const Price& TargetPrice::standard(Tokens total_input) const {
    switch (source) {
        case PriceSource::policy:
            return *override_price;
        case PriceSource::catalogue:
            return price_for(*model, total_input);
        case PriceSource::none:
            break;
    }
    return kNoPrice;
}

Price TargetPrice::at(Tokens total_input, ServiceTier service) const {
    return source == PriceSource::catalogue ? price_for(*model, total_input, service)
                                            : standard(total_input);
}

PriceBook::PriceBook(const Snapshot& snapshot) {
    for (const PriceOverride& entry : snapshot.prices) {
        (is_exact(entry.pattern) ? exact_ : globs_).push_back(&entry);
    }
    std::ranges::sort(exact_, {}, &PriceOverride::pattern);
}

const PriceOverride* PriceBook::find_override(std::string_view provider,
                                              std::string_view model) const {
    const auto exact_where = [this](auto order) -> const PriceOverride* {
        const auto found = std::ranges::partition_point(
            exact_, [&](const PriceOverride* entry) { return order(entry->pattern) < 0; });
        return found != exact_.end() && order((*found)->pattern) == 0 ? *found : nullptr;
    };
    const auto glob_where = [this](auto matches) -> const PriceOverride* {
        const auto found = std::ranges::find_if(
            globs_, [&](const PriceOverride* entry) { return matches(entry->pattern); });
        return found != globs_.end() ? *found : nullptr;
    };

    const PriceOverride* found =
        exact_where([&](std::string_view pattern) { return compare(pattern, provider, model); });
    if (found == nullptr) {
        found = glob_where([&](std::string_view pattern) {
            return glob_matches_target(pattern, provider, model);
        });
    }
    if (found == nullptr) {
        found = exact_where([&](std::string_view pattern) { return pattern <=> model; });
    }
    if (found == nullptr) {
        found = glob_where([&](std::string_view pattern) { return glob_matches(pattern, model); });
    }
    return found;
}

TargetPrice PriceBook::find(const providers::Provider& provider, std::string_view model) const {
    TargetPrice price;
    price.model = providers::find_model(provider.kind, model);
    price.factor = provider.price_factor;
    if (const PriceOverride* const entry = find_override(provider.name, model)) {
        price.source = PriceSource::policy;
        price.override_price = &entry->price;
    } else if (price.model != nullptr && price.model->is_priced) {
        price.source = PriceSource::catalogue;
    }
    return price;
}

providers::Money cost_of(const providers::Usage& usage,
                         const TargetPrice& price,
                         std::string_view service_tier) {
    const ServiceTier service = providers::service_tier_from(service_tier);
    const Tokens input = usage.total_input();
    return service == ServiceTier::standard ? cost(usage, price.standard(input), price.factor)
                                            : cost(usage, price.at(input, service), price.factor);
}

}  // namespace headgate::policy
