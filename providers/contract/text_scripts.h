#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::providers::piece {

/// What tells how densely a tokenizer packs a letter above U+007F.
enum class Script : std::uint8_t {
    cyrillic,
    cyrillic_more,  // letters that Russian has not
    greek,
    hebrew,
    arabic,
    arabic_more,  // letters that Arabic has not
    devanagari,
    indic,
    thai,
    hangul,
    kana,
    han,
    other,
    symbol,
    latin,  // has its own pieces
};

struct Character {
    std::size_t size = 1;
    unsigned point = 0xfffd;
    Script script = Script::other;
};

/// The last code point of each block of one script, above U+007F. Source: the block names of the
/// Unicode standard. All end where a row of 16 does.
struct ScriptBlock {
    unsigned last;
    Script script;
};

inline constexpr ScriptBlock kScriptBlocks[] = {
    {0xbf, Script::symbol},        {0x36f, Script::latin},         {0x3ff, Script::greek},
    {0x44f, Script::cyrillic},     {0x52f, Script::cyrillic_more}, {0x58f, Script::other},
    {0x5ff, Script::hebrew},       {0x66f, Script::arabic},        {0x8ff, Script::arabic_more},
    {0x97f, Script::devanagari},   {0xdff, Script::indic},         {0xeff, Script::thai},
    {0x10ff, Script::other},       {0x11ff, Script::hangul},       {0x1dff, Script::other},
    {0x1eff, Script::latin},       {0x1fff, Script::greek},        {0x2bff, Script::symbol},
    {0x2fff, Script::other},       {0x303f, Script::symbol},       {0x30ff, Script::kana},
    {0x312f, Script::other},       {0x318f, Script::hangul},       {0x33ff, Script::kana},
    {0x9fff, Script::han},         {0xabff, Script::other},        {0xd7ff, Script::hangul},
    {0xf8ff, Script::other},       {0xfaff, Script::han},          {0xfb4f, Script::hebrew},
    {0xfdff, Script::arabic_more}, {0xfe6f, Script::symbol},       {0xfeff, Script::arabic},
    {0xff5f, Script::symbol},      {0xff9f, Script::kana},         {0xffff, Script::symbol},
};

/// By code point / 16, up to U+FFFF.
inline constexpr std::array<Script, 0x1000> kScriptRows = [] {
    std::array<Script, 0x1000> rows{};
    std::size_t row = 0;
    for (const ScriptBlock& block : kScriptBlocks) {
        for (; row <= block.last / 16; ++row) {
            rows[row] = block.script;
        }
    }
    return rows;
}();

constexpr Script script_of(unsigned point) {
    if (point < 0x10000) {
        return kScriptRows[point / 16];
    }
    return point < 0x1f000 ? Script::other : point < 0x20000 ? Script::symbol : Script::han;
}

/// The character that begins at `text[at]`, a byte above 0x7f. Bytes that are no UTF-8 count one by
/// one: a sample may begin inside a character.
constexpr Character character_at(std::string_view text, std::size_t at) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(at);
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    if (size == 1 || at + size > text.size()) {
        return {};
    }
    unsigned point = lead & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        point = (point << 6) | (byte(at + i) & 0x3fU);
    }
    return {size, point, script_of(point)};
}

}  // namespace headgate::providers::piece
