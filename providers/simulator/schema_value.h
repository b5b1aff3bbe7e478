#pragma once

#include "providers/simulator/json_view.h"
#include "providers/simulator/text.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// Makes a JSON value that satisfies a JSON Schema: type, enum, const, properties and required,
/// items and prefixItems, anyOf, oneOf, allOf, $ref into the schema itself, bounds of numbers,
/// strings and arrays, uniqueItems, multipleOf, format, and pattern as far as text_matching() goes.
/// All properties are given; in deep and in large values only those that are required. `not`, `if`
/// and patternProperties are not looked at.
///
/// Bounded: depth 64, 256 KiB, and a fixed amount of work. Private to this folder.
class SchemaValue {
public:
    /// The value as compact JSON, or none: the schema allows no value, or none within the bounds.
    static std::optional<std::string> make(JsonView schema, std::uint64_t seed);

private:
    using Schemas = std::vector<JsonView>;  // all of them apply to one value

    SchemaValue(JsonView root, std::uint64_t seed) : root_{root}, random_{seed} {}

    bool spend(std::size_t work);
    bool spend(const Schemas& all);
    bool is_generous(int depth) const;
    JsonView resolve(std::string_view reference);
    bool gather(JsonView schema, Schemas& all, int hops);
    bool write(JsonView schema, int depth);
    bool write(const Schemas& all, std::size_t settled, int depth);
    bool write_alternative(const Schemas& all, std::size_t chooser, int depth);
    bool write_settled(const Schemas& all, int depth);
    bool write_enum(JsonView values, const Schemas& all);
    bool write_object(const Schemas& all, int depth);
    bool write_property(std::string_view name, const Schemas& all, int depth);
    bool write_array(const Schemas& all, int depth);
    bool write_item(const Schemas& all, std::size_t index, int depth);
    bool write_string(const Schemas& all);
    bool write_number(const Schemas& all, bool is_whole);

    JsonView root_;
    Random random_;
    std::string out_;
    std::size_t work_ = 0;
};

/// A short text that the regular expression matches: literals, classes, escapes, groups,
/// alternatives and counts. None for what is not in that list (look-around, back references, named
/// character classes) or is not a regular expression.
std::optional<std::string> text_matching(std::string_view pattern, Random& random);

}  // namespace headgate::providers
