#pragma once

#include "providers/base/money.h"
#include "providers/base/tokens.h"
#include "providers/contract/usage.h"

#include <cstdint>
#include <optional>

namespace headgate::providers {

/// What a million tokens of each class cost, in nanodollars a million. An absent class costs what
/// its plain neighbour does: cached_input, cache_write, audio_input and image_input as input,
/// reasoning, audio_output and image_output as output.
struct Price {
    Money input;
    Money output;
    std::optional<Money> cached_input;
    std::optional<Money> cache_write;
    std::optional<Money> reasoning;
    std::optional<Money> audio_input;
    std::optional<Money> audio_output;
    std::optional<Money> image_input;
    std::optional<Money> image_output;
    std::optional<Money> per_image;  // USD a picture
};

/// The exact cost: a picture is charged by the piece where there is a price for one, unless its
/// tokens have a price of their own and the provider told them. Summed over the classes in 128
/// bits, multiplied by `factor` and rounded up once to the next nanodollar, so that a reservation
/// never falls short. Throws std::overflow_error outside Money's range.
Money cost(const Usage& usage, const Price& price, PriceFactor factor);

/// The same with factor 1.
Money cost(const Usage& usage, const Price& price);

}  // namespace headgate::providers
