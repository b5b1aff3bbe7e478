#pragma once

#include "policy/config/snapshot.h"
#include "providers/base/money.h"
#include "providers/catalog/catalog.h"
#include "providers/contract/usage.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// Where a price was found (the ledger row's `price`).
enum class PriceSource : std::uint8_t { none, policy, catalogue };

/// "none", "policy", "catalogue"
std::string_view to_string(PriceSource source);

/// What a target costs: an override of the policy, or an entry of the catalogue with its tiers and
/// service prices; times the provider's price_multiplier.
struct TargetPrice {
    PriceSource source = PriceSource::none;
    const providers::Price* override_price = nullptr;  // of policy
    const providers::Model* model = nullptr;           // the catalogue's entry; limits also where
                                                       // the price is the policy's
    providers::PriceFactor factor;

    bool is_known() const { return source != PriceSource::none; }
    /// The standard price of an input of that length; all 0 where none is known.
    const providers::Price& standard(providers::Tokens total_input) const;
    /// That of a service tier. An override has but the one price.
    providers::Price at(providers::Tokens total_input, providers::ServiceTier service) const;
};

/// The price of every target, in the order of docs/money.md (Prices): `prices` by provider/model,
/// by model (exact names before globs, these in file order), the catalogue by kind and model, by
/// model alone (the dearest). A pattern is one of provider and model where its part before the
/// first '/' matches the provider and what follows the model; it is one of a model where all of it
/// matches. Azure's is the model's, never the deployment's. Immutable; one a policy; `snapshot`
/// must outlive it.
class PriceBook {
public:
    explicit PriceBook(const Snapshot& snapshot);

    TargetPrice find(const providers::Provider& provider, std::string_view model) const;

private:
    const PriceOverride* find_override(std::string_view provider, std::string_view model) const;

    std::vector<const PriceOverride*> exact_;  // sorted by pattern
    std::vector<const PriceOverride*> globs_;  // in file order
};

/// What `usage` costs there. `service_tier` is what the answer told, else what the request asked
/// for ("flex", "priority", "batch", …; empty, "auto" and "default": the standard price). Rounded
/// up once. Cost 0 where no price is known. Throws std::overflow_error outside Money's range.
providers::Money cost_of(const providers::Usage& usage,
                         const TargetPrice& price,
                         std::string_view service_tier);

}  // namespace headgate::policy
