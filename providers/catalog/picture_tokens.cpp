#include "providers/catalog/picture_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace headgate::providers {
namespace {

enum class Quality : std::uint8_t { low, medium, high };

/// By quality and size: 1024x1024, 1024x1536, 1536x1024.
using Table = std::array<std::array<std::int64_t, 3>, 3>;

constexpr Table kClassic{{{272, 408, 400}, {1056, 1584, 1568}, {4160, 6240, 6208}}};
constexpr Table kMini{{{625, 750, 750}, {1375, 1875, 1875}, {4500, 6500, 6500}}};

/// What gpt-image-2 takes: edges a multiple of 16, at most 3,840 and 3 to 1.
constexpr std::int64_t kStep = 16;
constexpr std::int64_t kLongestEdge = 3'840;
constexpr std::int64_t kMostPixels = 8'294'400;
constexpr std::int64_t kSteepest = 3;

struct Size {
    std::int64_t width = 0;
    std::int64_t height = 0;

    std::int64_t pixels() const { return width * height; }
};

std::optional<Quality> quality_from(std::string_view text) {
    if (text == "xhigh" || text == "max") {
        return std::nullopt;
    }
    if (text == "low") {
        return Quality::low;
    }
    return text == "medium" ? Quality::medium : Quality::high;
}

std::optional<std::int64_t> edge_from(std::string_view text) {
    std::int64_t edge = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), edge);
    const bool is_whole = error == std::errc{} && end == text.data() + text.size();
    return is_whole && edge > 0 && edge <= kLongestEdge ? std::optional{edge} : std::nullopt;
}

/// nullopt for what is no size, "auto" among it, and for sizes beyond all models.
std::optional<Size> size_from(std::string_view text) {
    const std::size_t cross = text.find('x');
    if (cross == std::string_view::npos) {
        return std::nullopt;
    }
    const auto width = edge_from(text.substr(0, cross));
    const auto height = edge_from(text.substr(cross + 1));
    return width && height ? std::optional{Size{*width, *height}} : std::nullopt;
}

std::int64_t by_table(const Table& table, std::string_view size, Quality quality) {
    const auto& row = table[static_cast<std::size_t>(quality)];
    if (size == "1024x1024") {
        return row[0];
    }
    if (size == "1024x1536") {
        return row[1];
    }
    return size == "1536x1024" ? row[2] : *std::ranges::max_element(row);
}

/// `proportion`: of the short edge to the long one, in units of the quality's factor.
std::int64_t by_area(std::int64_t factor, std::int64_t proportion, std::int64_t pixels) {
    constexpr std::int64_t offset = 2'000'000;
    constexpr std::int64_t scale = 4'000'000;
    return (factor * proportion * (offset + pixels) + scale - 1) / scale;
}

std::int64_t by_formula(std::string_view text, Quality quality) {
    constexpr std::array<std::int64_t, 3> factors{16, 48, 96};
    const std::int64_t factor = factors[static_cast<std::size_t>(quality)];
    const std::optional<Size> size = size_from(text);
    if (!size || size->width % kStep != 0 || size->height % kStep != 0 ||
        size->pixels() > kMostPixels) {
        return by_area(factor, factor, kMostPixels);
    }
    const auto [short_edge, long_edge] = std::minmax(size->width, size->height);
    if (long_edge > kSteepest * short_edge) {
        return by_area(factor, factor, kMostPixels);
    }
    const std::int64_t proportion = (2 * factor * short_edge + long_edge) / (2 * long_edge);
    return by_area(factor, proportion, size->pixels());
}

}  // namespace

std::optional<Tokens> picture_tokens(std::string_view model,
                                     std::string_view size,
                                     std::string_view quality_text) {
    const std::optional<Quality> quality = quality_from(quality_text);
    if (!quality) {
        return std::nullopt;
    }
    // Gateways name a model with its maker: "openai/gpt-image-1".
    const std::string_view name = model.substr(model.rfind('/') + 1);
    if (name.starts_with("gpt-image-1-mini")) {
        return Tokens{by_table(kMini, size, *quality)};
    }
    if (name.starts_with("gpt-image-1") || name == "chatgpt-image-latest") {
        return Tokens{by_table(kClassic, size, *quality)};
    }
    const std::int64_t by_size = by_formula(size, *quality);
    if (name.starts_with("gpt-image-2")) {
        return Tokens{by_size};
    }
    return Tokens{
        std::max({by_size, by_table(kClassic, size, *quality), by_table(kMini, size, *quality)})};
}

}  // namespace headgate::providers
