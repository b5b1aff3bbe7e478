#pragma once

#include "providers/contract/text_scripts.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::providers {

/// What a text is cut into before its tokens are guessed: close to the pieces of the o200k family's
/// split pattern, in one pass and without tables of Unicode. Each piece is an index into a table of
/// weights.
namespace piece {

/// How a word follows what stands before it: behind a space, at the start of a line or behind a run
/// of punctuation, behind one mark that belongs to it (".name"), or with nothing between
/// ("getName", "px" of "3px").
enum class Joint : std::uint8_t { spaced, bare, marked, glued };
enum class Case : std::uint8_t { lower, capital, upper };
/// A word's rarest letter, which tells how well its language is packed: western (French, Spanish),
/// with umlauts or rings (German, Swedish, Finnish), behind U+00FF (Polish, Turkish, Vietnamese).
enum class Accents : std::uint8_t { western, northern, rare };

inline constexpr std::size_t kLongest = 16;  // longer words are told apart by what is behind it
inline constexpr std::size_t kScripts = static_cast<std::size_t>(Script::latin);

inline constexpr std::size_t kWord = 0;                             // [joint][case][length]
inline constexpr std::size_t kWordRest = kWord + kLongest * 3 * 4;  // a letter behind kLongest
inline constexpr std::size_t kAccented = kWordRest + 1;             // [accents][bytes]
inline constexpr std::size_t kAccentedRest = kAccented + kLongest * 3;
inline constexpr std::size_t kScriptWord = kAccentedRest + 1;  // [script]
inline constexpr std::size_t kScriptLetter = kScriptWord + kScripts;
inline constexpr std::size_t kDigits = kScriptLetter + kScripts;  // up to three
inline constexpr std::size_t kLoneSpace = kDigits + 1;
inline constexpr std::size_t kBlank = kLoneSpace + 1;  // a run of spaces and tabs
inline constexpr std::size_t kNewline = kBlank + 1;
inline constexpr std::size_t kContraction = kNewline + 1;
inline constexpr std::size_t kMarks = kContraction + 1;    // [is one character repeated][length]
inline constexpr std::size_t kMarksEndLine = kMarks + 16;  // such a run right before a line's end
inline constexpr std::size_t kBase64 = kMarksEndLine + 1;  // a byte of a long run
inline constexpr std::size_t kHex = kBase64 + 1;
inline constexpr std::size_t kPieces = kHex + 1;

/// So many short pieces without a space between them are no words but data in base64 or hex.
inline constexpr int kDense = 16;

enum class Byte : std::uint8_t { mark, lower, upper, digit, blank, newline, lead };

inline constexpr std::array<Byte, 256> kBytes = [] {
    std::array<Byte, 256> kinds{};
    for (std::size_t c = 0; c < kinds.size(); ++c) {
        kinds[c] = c >= 'a' && c <= 'z'     ? Byte::lower
                   : c >= 'A' && c <= 'Z'   ? Byte::upper
                   : c >= '0' && c <= '9'   ? Byte::digit
                   : c == ' ' || c == '\t'  ? Byte::blank
                   : c == '\n' || c == '\r' ? Byte::newline
                   : c >= 0x80              ? Byte::lead
                                            : Byte::mark;
    }
    return kinds;
}();

constexpr Accents accents_of(unsigned point) {
    constexpr std::u32string_view northern =
        U"\u00c4\u00c5\u00c6\u00d6\u00d8\u00e4\u00e5\u00e6\u00f6\u00f8";
    if (point > 0xff) {
        return Accents::rare;
    }
    return northern.find(static_cast<char32_t>(point)) == std::u32string_view::npos
               ? Accents::western
               : Accents::northern;
}

constexpr Byte kind_of(char c) {
    return kBytes[static_cast<unsigned char>(c)];
}

}  // namespace piece

}  // namespace headgate::providers
