#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

using providers::Money;
using providers::Price;

constexpr KnownName kPriceNames[] = {
    {"input"},       {"output"},       {"cached_input"}, {"cache_write"},  {"reasoning"},
    {"audio_input"}, {"audio_output"}, {"image_input"},  {"image_output"}, {"per_image"}};

struct OptionalClass {
    std::string_view name;
    std::optional<Money> Price::* price;
};
constexpr OptionalClass kOptionalClasses[] = {
    {"cached_input", &Price::cached_input}, {"cache_write", &Price::cache_write},
    {"reasoning", &Price::reasoning},       {"audio_input", &Price::audio_input},
    {"audio_output", &Price::audio_output}, {"image_input", &Price::image_input},
    {"image_output", &Price::image_output}, {"per_image", &Price::per_image}};

/// A model or provider/model.
bool is_price_pattern(std::string_view text) {
    constexpr std::size_t longest = 64 + 1 + 256;
    constexpr std::ptrdiff_t most_stars = 16;  // as in parse_model_glob()
    const bool is_glob = std::ranges::all_of(text, [](char c) {
        return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
               std::string_view("._:/@+-*?").contains(c);
    });
    return is_glob && !text.empty() && text.size() <= longest &&
           std::ranges::count(text, '*') <= most_stars;
}

Parsed<Money> parse_price(std::string_view text) {
    constexpr Money most = Money::nanos(std::int64_t{1'000'000} * 1'000'000'000);
    const auto price = Money::parse(text);
    if (!price || *price < Money{} || *price > most) {
        return std::unexpected(
            std::string("must be US dollars from 0 to 1000000, with at most 9 places, such as 1.25 "
                        "or 0.10"));
    }
    return *price;
}

Price read_price(Reading& reading, const Setting& setting) {
    const MapReader map{reading, setting, kPriceNames};
    Price price;
    map.require("input", "input: 1.25");
    map.read("input", parse_price, price.input);
    map.read("output", parse_price, price.output);
    for (const OptionalClass& each : kOptionalClasses) {
        map.read(each.name, parse_price, price.*(each.price));
    }
    return price;
}

}  // namespace

void read_prices_section(Reading& reading,
                         const MapReader& root,
                         std::vector<PriceOverride>& prices) {
    const std::optional<Setting> block = root.find("prices");
    if (!block) {
        return;
    }
    const std::vector<NamedSetting> entries =
        read_named(reading, *block, is_price_pattern,
                   "a model or provider/model, or a pattern with at most 16 `*`");
    for (const NamedSetting& entry : entries) {
        prices.push_back({entry.name, read_price(reading, entry.setting)});
    }
}

}  // namespace headgate::policy
