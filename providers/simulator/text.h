#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// FNV-1a over 64 bits, going on from `seed`.
constexpr std::uint64_t kHashStart = 0xcbf29ce484222325;
std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed = kHashStart);

/// A splitmix64 sequence: small, and the same on every machine.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_{seed} {}

    std::uint64_t next();
    /// Uniform enough in [0, bound); `bound` above 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    /// Uniform in [0, 1).
    double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    std::string_view word();

private:
    std::uint64_t state_;
};

/// The simulated provider's tokenizer. A token is any white space followed by a run of at most 16
/// letters, digits and bytes above 0x7f (whole UTF-8 characters), or by one other byte; white space
/// at the end is a token too. The tokens of a text joined are the text, and those of a prefix that
/// ends between two tokens are the first tokens of the whole.
std::size_t token_end(std::string_view text, std::size_t begin);
std::int64_t count_tokens(std::string_view text);

/// A text and where its tokens end.
struct Speech {
    std::string text;
    std::vector<std::size_t> ends;

    Speech() = default;
    explicit Speech(std::string whole);

    std::int64_t tokens() const { return static_cast<std::int64_t>(ends.size()); }
    std::size_t token_begin(std::size_t index) const { return index == 0 ? 0 : ends[index - 1]; }
    std::string_view token(std::size_t index) const;
    /// Keeps the first `count` tokens. False where nothing was cut.
    bool cut_to_tokens(std::int64_t count);
    /// Cuts before the first occurrence of any of `stops`. False where there is none.
    bool cut_at(const std::vector<std::string>& stops);
};

/// `count` tokens of plain words: "quiet river ...".
std::string words(Random& random, std::int64_t count);

/// `prefix` and `length` letters and digits, as in "chatcmpl-B9MBs8Cjcv...".
std::string made_id(std::string_view prefix, std::size_t length, Random& random);

/// Standard base64 with padding.
std::string base64_of(std::string_view bytes);

}  // namespace headgate::providers
