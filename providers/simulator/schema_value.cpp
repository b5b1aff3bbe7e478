#include "providers/simulator/schema_value.h"

#include "providers/simulator/json_writer.h"
#include "providers/simulator/schema_keywords.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <unordered_set>

namespace headgate::providers {
namespace {

constexpr int kDeepest = 64;
constexpr int kGenerousDepth = 4;  // levels that also have what is not required
constexpr std::size_t kGenerousBytes = std::size_t{8} << 10;  // where a value is called large
constexpr std::size_t kMostWork =
    2'000'000;  // members looked at; some 1400 properties in one object

bool type_allows(JsonView type, std::string_view name) {
    if (type.is_string()) {
        return type.text() == name || (type.text() == "number" && name == "integer");
    }
    for (std::size_t i = 0; i < type.size(); ++i) {
        if (type_allows(type.at(i), name)) {
            return true;
        }
    }
    return !type.is_array();
}

bool all_allow(const std::vector<JsonView>& all, std::string_view name) {
    return std::ranges::all_of(
        all, [name](JsonView schema) { return type_allows(schema["type"], name); });
}

/// The type to write: the first named one that no schema forbids, null last. Without a `type` what
/// the other keywords speak of.
std::string_view chosen_type(const std::vector<JsonView>& all, bool prefers_null) {
    constexpr std::array<std::string_view, 7> kTypes = {"object", "array",   "string", "integer",
                                                        "number", "boolean", "null"};
    const JsonView named = keyword(all, "type");
    if (named.is_absent()) {
        for (const auto [word, type] : {std::pair{"properties", "object"},
                                        {"required", "object"},
                                        {"items", "array"},
                                        {"prefixItems", "array"},
                                        {"minItems", "array"},
                                        {"minimum", "number"},
                                        {"maximum", "number"},
                                        {"multipleOf", "number"}}) {
            if (!keyword(all, word).is_absent()) {
                return type;
            }
        }
        return "string";
    }
    if (prefers_null && all_allow(all, "null")) {
        return "null";
    }
    for (std::size_t i = 0; i < std::max<std::size_t>(named.size(), 1); ++i) {
        const std::string_view type = named.is_array() ? named.at(i).text() : named.text();
        if (type != "null" && std::ranges::find(kTypes, type) != kTypes.end() &&
            all_allow(all, type)) {
            return type;
        }
    }
    return all_allow(all, "null") ? "null" : all_allow(all, "integer") ? "integer" : "";
}

/// True for a schema whose value cannot hold others.
bool is_simple(JsonView schema) {
    if (!schema["enum"].is_absent() || !schema["const"].is_absent()) {
        return true;
    }
    return schema["$ref"].is_absent() && schema["properties"].is_absent() &&
           schema["items"].is_absent() && !type_allows(schema["type"], "object") &&
           !type_allows(schema["type"], "array");
}

void append_key(std::string& out, std::string_view name) {
    JsonWriter{out}.text(name);
    out += ':';
}

}  // namespace

std::optional<std::string> SchemaValue::make(JsonView schema, std::uint64_t seed) {
    SchemaValue value{schema, seed};
    if (!value.write(schema, 0)) {
        return std::nullopt;
    }
    return std::move(value.out_);
}

bool SchemaValue::spend(std::size_t work) {
    work_ += work + 1;
    return work_ <= kMostWork && out_.size() <= kLargestValue;
}

/// Whether there is room for what no schema requires.
bool SchemaValue::is_generous(int depth) const {
    return depth == 0 || (depth < kGenerousDepth && out_.size() < kGenerousBytes);
}

/// What it costs to look keywords up in all of them.
bool SchemaValue::spend(const Schemas& all) {
    std::size_t members = 0;
    for (const JsonView schema : all) {
        members += schema.size();
    }
    return spend(members);
}

JsonView SchemaValue::resolve(std::string_view reference) {
    if (!reference.starts_with('#')) {
        return {};
    }
    JsonView at = root_;
    reference.remove_prefix(1);
    while (reference.starts_with('/')) {  // RFC 6901
        reference.remove_prefix(1);
        const std::string_view token = reference.substr(0, reference.find('/'));
        reference.remove_prefix(token.size());
        std::string name;
        for (std::size_t i = 0; i < token.size(); ++i) {
            const bool is_escape = token[i] == '~' && i + 1 < token.size();
            name += is_escape ? (token[++i] == '1' ? '/' : '~') : token[i];
        }
        if (!spend(at.size())) {
            return {};
        }
        std::size_t index = 0;
        const auto end = std::from_chars(name.data(), name.data() + name.size(), index);
        const bool is_index = at.is_array() && end.ptr == name.data() + name.size();
        at = is_index ? at.at(index) : at[name];
    }
    return reference.empty() ? at : JsonView{};
}

bool SchemaValue::gather(JsonView schema, Schemas& all, int hops) {
    if (hops > kDeepest || !spend(schema.size())) {
        return false;
    }
    if (schema.is_boolean()) {
        return schema.boolean();
    }
    if (!schema.is_object()) {
        return false;
    }
    all.push_back(schema);
    if (const JsonView reference = schema["$ref"]; reference.is_string()) {
        if (!gather(resolve(reference.text()), all, hops + 1)) {
            return false;
        }
    }
    const JsonView members = schema["allOf"];
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (!gather(members.at(i), all, hops + 1)) {
            return false;
        }
    }
    return true;
}

bool SchemaValue::write(JsonView schema, int depth) {
    Schemas all;
    return gather(schema, all, 0) && write(all, 0, depth);
}

/// The schemas before `settled` have made their choice of alternatives.
bool SchemaValue::write(const Schemas& all, std::size_t settled, int depth) {
    if (depth > kDeepest || !spend(all)) {
        return false;
    }
    for (std::size_t i = settled; i < all.size(); ++i) {
        if (all[i]["anyOf"].is_array() || all[i]["oneOf"].is_array()) {
            return write_alternative(all, i, depth);
        }
    }
    return write_settled(all, depth);
}

bool SchemaValue::write_alternative(const Schemas& all, std::size_t chooser, int depth) {
    const JsonView any = all[chooser]["anyOf"];
    const JsonView alternatives = any.is_array() ? any : all[chooser]["oneOf"];
    // Deep down a simple alternative ends the recursion; anywhere a dead end is backed out of.
    const bool wants_simple = !is_generous(depth);
    for (const bool simple_turn : {true, false}) {
        for (std::size_t i = 0; i < alternatives.size(); ++i) {
            if (simple_turn != (!wants_simple || is_simple(alternatives.at(i)))) {
                continue;
            }
            const std::size_t size = out_.size();
            Schemas with = all;
            if (gather(alternatives.at(i), with, 0) && write(with, chooser + 1, depth)) {
                return true;
            }
            out_.resize(size);
        }
    }
    return false;
}

bool SchemaValue::write_settled(const Schemas& all, int depth) {
    if (const JsonView value = keyword(all, "const"); !value.is_absent()) {
        JsonWriter{out_}.view(value);
        return spend(0);
    }
    if (const JsonView values = keyword(all, "enum"); values.is_array()) {
        return write_enum(values, all);
    }
    const std::string_view type = chosen_type(all, !is_generous(depth));
    if (type == "object") {
        return write_object(all, depth);
    }
    if (type == "array") {
        return write_array(all, depth);
    }
    if (type == "string") {
        return write_string(all);
    }
    if (type == "integer" || type == "number") {
        return write_number(all, type == "integer");
    }
    if (type == "boolean" || type == "null") {
        out_ += type == "null" ? "null" : random_.below(2) == 0 ? "false" : "true";
        return true;
    }
    return false;
}

bool SchemaValue::write_enum(JsonView values, const Schemas& all) {
    if (values.size() == 0 || !spend(0)) {
        return false;
    }
    const std::size_t start = random_.below(values.size());
    for (std::size_t i = 0; i < values.size() && spend(0); ++i) {
        const JsonView value = values.at((start + i) % values.size());
        const std::string_view type = value.is_string()    ? "string"
                                      : value.is_boolean() ? "boolean"
                                      : value.integer()    ? "integer"
                                      : value.is_number()  ? "number"
                                      : value.is_null()    ? "null"
                                      : value.is_array()   ? "array"
                                                           : "object";
        if (all_allow(all, type)) {
            JsonWriter{out_}.view(value);
            return spend(0);
        }
    }
    return false;
}

bool SchemaValue::write_object(const Schemas& all, int depth) {
    std::unordered_set<std::string_view> required;
    for (const JsonView schema : all) {
        const JsonView names = schema["required"];
        if (!spend(names.size() + schema["properties"].size())) {
            return false;
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            required.insert(names.at(i).text());
        }
    }
    std::unordered_set<std::string_view> seen;
    out_ += '{';
    const auto add = [&](std::string_view name) {
        if (!seen.insert(name).second) {
            return true;
        }
        const bool is_required = required.contains(name);
        if (!is_required && !is_generous(depth)) {
            return true;
        }
        const std::size_t size = out_.size();
        if (out_.back() != '{') {
            out_ += ',';
        }
        append_key(out_, name);
        if (write_property(name, all, depth)) {
            return true;
        }
        out_.resize(size);
        return !is_required;
    };
    for (const JsonView schema : all) {
        const JsonView properties = schema["properties"];
        for (std::size_t i = 0; i < properties.size(); ++i) {
            if (!add(properties.member(i).first)) {
                return false;
            }
        }
        const JsonView names = schema["required"];
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names.at(i).is_string() && !add(names.at(i).text())) {
                return false;
            }
        }
    }
    out_ += '}';
    return true;
}

bool SchemaValue::write_property(std::string_view name, const Schemas& all, int depth) {
    Schemas own;
    for (const JsonView schema : all) {
        const JsonView properties = schema["properties"];
        if (!spend(properties.size())) {
            return false;
        }
        JsonView property = properties[name];
        if (property.is_absent()) {
            property = schema["additionalProperties"];
        }
        if (!property.is_absent() && !gather(property, own, 0)) {
            return false;
        }
    }
    return write(own, 0, depth + 1);
}

bool SchemaValue::write_array(const Schemas& all, int depth) {
    constexpr std::size_t kMostTries = 2000;
    const std::size_t least = least_count(all, "minItems");
    const std::size_t most = most_count(all, "maxItems");
    const std::size_t wished = is_generous(depth) ? 1 : 0;
    const std::size_t count =
        std::min(std::max({least, keyword(all, "prefixItems").size(), wished}), most);
    if (least > most) {
        return false;
    }
    const bool is_unique = keyword(all, "uniqueItems").boolean();
    std::unordered_set<std::string> written;
    std::size_t tries = 0;
    out_ += '[';
    for (std::size_t i = 0; i < count;) {
        const std::size_t size = out_.size();
        if (i != 0) {
            out_ += ',';
        }
        const std::size_t begin = out_.size();
        if (!write_item(all, i, depth)) {
            out_.resize(size);
            if (i < least) {
                return false;
            }
            break;
        }
        if (is_unique && !written.insert(out_.substr(begin)).second) {
            out_.resize(size);
            if (++tries > kMostTries) {
                return false;
            }
            continue;
        }
        ++i;
    }
    out_ += ']';
    return true;
}

bool SchemaValue::write_item(const Schemas& all, std::size_t index, int depth) {
    const JsonView first = keyword(all, "prefixItems").at(index);
    const JsonView item = first.is_absent() ? keyword(all, "items") : first;
    return item.is_absent() ? write(Schemas{}, 0, depth + 1) : write(item, depth + 1);
}

}  // namespace headgate::providers
