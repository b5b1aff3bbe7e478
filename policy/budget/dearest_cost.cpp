#include "policy/budget/dearest_cost.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

namespace headgate::policy {
namespace {

using providers::Money;
using providers::Price;
using providers::PriceFactor;
using providers::PriceTier;
using providers::ServiceTier;
using providers::Tokens;
using providers::Usage;

/// Text that an image model may write beside a picture (gpt-image-1.5 has a price for it).
constexpr std::int64_t kTextAPicture = 1'024;

Money dearer(Money price, std::optional<Money> other) {
    return std::max(price, other.value_or(price));
}

/// One price a direction: that of the dearest class.
Price flattened(const Price& price, const Consumption& most) {
    Price flat;
    flat.input = dearer(dearer(price.input, price.cached_input), price.cache_write);
    if (most.may_read_sound) {
        flat.input = dearer(flat.input, price.audio_input);
    }
    if (most.may_read_pictures) {
        flat.input = dearer(flat.input, price.image_input);
    }
    flat.output = dearer(price.output, price.reasoning);
    if (most.may_speak) {
        flat.output = dearer(flat.output, price.audio_output);
    }
    return flat;
}

Money pictures_by_token(const Price& price, Price flat, const Consumption& most, PriceFactor by) {
    Usage usage;
    usage.input = {most.input};
    usage.image_output = {most.picture_tokens};
    flat.image_output = price.image_output;
    if (price.image_output && *price.image_output != price.output) {
        usage.output = {most.pictures * kTextAPicture};
    }
    return cost(usage, flat, by);
}

Money pictures_by_piece(const Price& price, Price flat, const Consumption& most, PriceFactor by) {
    Usage usage;
    usage.input = {most.input};
    usage.images = most.pictures;
    flat.per_image = price.per_image;
    return cost(usage, flat, by);
}

Money cost_at(const Price& price, const Consumption& most, PriceFactor factor) {
    Price flat = flattened(price, most);
    if (most.pictures > 0) {
        // Both where it has both: which one it is the provider decides by what it tells.
        const bool is_by_token = !price.per_image || price.image_output;
        const Money by_token = is_by_token ? pictures_by_token(price, flat, most, factor) : Money{};
        const Money by_piece =
            price.per_image ? pictures_by_piece(price, flat, most, factor) : Money{};
        return std::max(by_token, by_piece);
    }
    flat.output = dearer(flat.output, price.image_output);  // pictures in a chat's answer
    Usage usage;
    usage.input = {most.input};
    usage.output = {most.output};
    return cost(usage, flat, factor);
}

/// The dearest of all lengths of the input up to the bound. Within a tier it is the longest; that
/// of a lower tier is not always cheaper.
Money dearest_length(const TargetPrice& price, ServiceTier service, const Consumption& most) {
    std::span<const PriceTier> tiers;
    if (price.source == PriceSource::catalogue) {
        tiers = price.model->tiers;
    }
    Money dearest;
    Consumption reached = most;
    for (std::size_t tier = 0; tier <= tiers.size(); ++tier) {
        const std::int64_t longest = tier < tiers.size() ? tiers[tier].above.count
                                                         : std::numeric_limits<std::int64_t>::max();
        reached.input = std::min(most.input, longest);
        dearest = std::max(
            dearest, cost_at(price.at(Tokens{reached.input}, service), reached, price.factor));
        if (longest >= most.input) {
            break;
        }
    }
    return dearest;
}

}  // namespace

Money dearest_cost(const TargetPrice& price,
                   std::string_view service_tier,
                   const Consumption& most) {
    const ServiceTier asked =
        service_tier == "auto" ? ServiceTier::priority : providers::service_tier_from(service_tier);
    const Money standard = dearest_length(price, ServiceTier::standard, most);
    return asked == ServiceTier::standard ? standard
                                          : std::max(standard, dearest_length(price, asked, most));
}

}  // namespace headgate::policy
