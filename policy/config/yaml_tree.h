#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace headgate::policy {

struct YamlNode;
using YamlPtr = std::shared_ptr<const YamlNode>;

/// A key of a YAML map with its value. Keys are scalars; the same key may stand twice here: who
/// reads the map reports that.
struct YamlEntry {
    YamlPtr key;
    YamlPtr value;
};

/// One node of a parsed document. Lines and columns count from 1. An alias shares the node of its
/// anchor, so that it costs nothing and its position is the anchor's.
struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, sequence, map };

    Kind kind = Kind::null;
    std::uint16_t file = 0;  // which of the policy's files it stands in; 0: the main one
    bool is_plain = false;   // a scalar without quotes: its text may mean a number or a flag
    int line = 0;
    int column = 0;
    std::string text;                // scalar
    std::vector<YamlPtr> items;      // sequence
    std::vector<YamlEntry> entries;  // map
    std::size_t size = 1;            // nodes in here, aliases expanded
    std::size_t height = 1;          // levels in here, aliases expanded
};

/// Why a text is no YAML document that we take.
struct YamlError {
    int line = 0;
    int column = 0;
    std::string message;
};

/// What hostile YAML may cost at most.
inline constexpr std::size_t kMaxYamlBytes = std::size_t{8} << 20;
inline constexpr std::size_t kMaxYamlDepth = 64;
inline constexpr std::size_t kMaxExpandedNodes = 100'000;

/// Parses one document. An empty text is a null node. Plain `null`, `~` and nothing are null; every
/// other scalar is text, which its reader types. Refused: bytes that are not UTF-8 or are control
/// characters, a second document, nesting over 64, aliases that add more than 100,000 nodes or
/// stand inside their own anchor, keys that are not scalars, tags but those of the core schema's
/// scalars. The tree is never deeper than 64, aliases included.
std::expected<YamlPtr, YamlError> parse_yaml(const std::string& text);

/// One file of several: `file` goes into its nodes, and all together may add so many by aliases.
struct YamlFile {
    std::uint16_t file = 0;
    std::size_t nodes_from_aliases = 0;  // in: of the files before; out: with this one
};
std::expected<YamlPtr, YamlError> parse_yaml(const std::string& text, YamlFile& file);

}  // namespace headgate::policy
