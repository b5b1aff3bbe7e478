#include "providers/catalog/price.h"

#include <limits>
#include <stdexcept>

namespace headgate::providers {
namespace {

__extension__ using Wide = __int128;  // a price times a count passes 64 bits

constexpr Wide kMillion = 1'000'000;
constexpr Wide kBillion = 1'000'000'000;

/// A sum of prices times counts. Checked at each step: ten products of two 64-bit numbers can pass
/// even 128 bits.
class Sum {
public:
    void add(Money price, std::int64_t count, Wide factor = 1) {
        Wide product = static_cast<Wide>(price.nanos()) * count;
        if (__builtin_mul_overflow(product, factor, &product) ||
            __builtin_add_overflow(total_, product, &total_)) {
            throw std::overflow_error("cost out of range");
        }
    }

    Money rounded_up_to_nanos(PriceFactor factor) const {
        constexpr Wide unit = kMillion * kBillion;
        Wide product = 0;
        if (__builtin_mul_overflow(total_, static_cast<Wide>(factor.billionths), &product)) {
            throw std::overflow_error("cost out of range");
        }
        const Wide nanos = product / unit + (product % unit > 0 ? 1 : 0);
        if (nanos > std::numeric_limits<std::int64_t>::max() ||
            nanos < std::numeric_limits<std::int64_t>::min()) {
            throw std::overflow_error("cost out of range");
        }
        return Money::nanos(static_cast<std::int64_t>(nanos));
    }

private:
    Wide total_ = 0;  // in millionths of a nanodollar
};

bool is_by_the_piece(const Usage& usage, const Price& price) {
    const bool has_priced_tokens = price.image_output && usage.image_output.count != 0;
    return price.per_image && usage.images != 0 && !has_priced_tokens;
}

}  // namespace

Money cost(const Usage& usage, const Price& price, PriceFactor factor) {
    Sum sum;
    sum.add(price.input, usage.input.count);
    sum.add(price.cached_input.value_or(price.input), usage.cached_input.count);
    sum.add(price.cache_write.value_or(price.input), usage.cache_write.count);
    sum.add(price.audio_input.value_or(price.input), usage.audio_input.count);
    sum.add(price.image_input.value_or(price.input), usage.image_input.count);
    sum.add(price.output, usage.output.count);
    sum.add(price.reasoning.value_or(price.output), usage.reasoning.count);
    sum.add(price.audio_output.value_or(price.output), usage.audio_output.count);
    if (is_by_the_piece(usage, price)) {
        sum.add(*price.per_image, usage.images, kMillion);
    } else {
        sum.add(price.image_output.value_or(price.output), usage.image_output.count);
    }
    return sum.rounded_up_to_nanos(factor);
}

Money cost(const Usage& usage, const Price& price) {
    return cost(usage, price, PriceFactor{});
}

}  // namespace headgate::providers
