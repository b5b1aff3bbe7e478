#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::policy {

/// A stretch of up to 4,096 routes, a bit each: what a look-up works on at a time, on the stack.
class RouteBlock {
public:
    using Word = std::uint64_t;
    static constexpr std::size_t kWordBits = 64;
    static constexpr std::size_t kWords = 64;

    /// Covers the routes from `first_word` × 64 on, `words` × 64 of them, none in it.
    RouteBlock(std::size_t first_word, std::size_t words);

    /// Keeps only those that are in both. The other covers the same routes.
    void keep(const RouteBlock& other);
    /// The place of the first route, from `from` on; kNone where there is none.
    std::size_t first(std::size_t from) const;
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

private:
    friend class RouteSet;

    std::size_t first_word_;
    std::size_t words_;
    std::array<Word, kWords> bits_{};
};

/// A set of routes by their place in the policy. Only words that hold one are kept, 16 bytes each:
/// a name that one route mentions costs one word, however many routes there are.
class RouteSet {
public:
    /// Routes must come in ascending order; one may come again.
    void add(std::size_t route);

    /// Puts those that `block` covers into it.
    void add_to(RouteBlock& block) const;
    /// Whether one of them is in `block`.
    bool meets(const RouteBlock& block) const;

private:
    struct Entry {
        std::size_t word;
        RouteBlock::Word bits;
    };

    std::vector<Entry> entries_;  // ascending by word
};

}  // namespace headgate::policy
