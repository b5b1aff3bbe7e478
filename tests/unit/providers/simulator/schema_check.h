#pragma once

#include <rapidjson/document.h>

#include <cmath>
#include <regex>
#include <string>

namespace headgate::providers {

/// A small, independent checker of the keywords that the simulator promises to obey.
class SchemaCheck {
public:
    using Value = rapidjson::Value;

    explicit SchemaCheck(const Value& root) : root_{root} {}

    bool accepts(const Value& schema, const Value& value) const {
        if (schema.IsBool()) {
            return schema.GetBool();
        }
        return reference_accepts(schema, value) && combinations_accept(schema, value) &&
               type_accepts(schema, value) && fixed_accepts(schema, value) &&
               number_accepts(schema, value) && string_accepts(schema, value) &&
               array_accepts(schema, value) && object_accepts(schema, value);
    }

private:
    static const Value* member(const Value& object, const char* name) {
        const auto found = object.FindMember(name);
        return found == object.MemberEnd() ? nullptr : &found->value;
    }

    bool reference_accepts(const Value& schema, const Value& value) const {
        const Value* reference = member(schema, "$ref");
        if (reference == nullptr) {
            return true;
        }
        const Value* at = &root_;
        std::string path = reference->GetString();
        for (path = path.substr(1); !path.empty();) {
            const std::size_t end = std::min(path.find('/', 1), path.size());
            at = member(*at, path.substr(1, end - 1).c_str());
            path = path.substr(end);
            if (at == nullptr) {
                return false;
            }
        }
        return accepts(*at, value);
    }

    bool combinations_accept(const Value& schema, const Value& value) const {
        for (const char* name : {"anyOf", "oneOf", "allOf"}) {
            const Value* list = member(schema, name);
            if (list == nullptr) {
                continue;
            }
            std::size_t accepting = 0;
            for (const Value& one : list->GetArray()) {
                accepting += accepts(one, value) ? 1 : 0;
            }
            if (std::string{name} == "allOf" ? accepting != list->Size() : accepting == 0) {
                return false;
            }
        }
        return true;
    }

    static bool is_type(const std::string& type, const Value& value) {
        if (type == "integer") {
            return value.IsInt64() ||
                   (value.IsNumber() && value.GetDouble() == std::floor(value.GetDouble()));
        }
        return (type == "object" && value.IsObject()) || (type == "array" && value.IsArray()) ||
               (type == "string" && value.IsString()) || (type == "number" && value.IsNumber()) ||
               (type == "boolean" && value.IsBool()) || (type == "null" && value.IsNull());
    }

    static bool type_accepts(const Value& schema, const Value& value) {
        const Value* type = member(schema, "type");
        if (type == nullptr) {
            return true;
        }
        if (type->IsString()) {
            return is_type(type->GetString(), value);
        }
        for (const Value& one : type->GetArray()) {
            if (is_type(one.GetString(), value)) {
                return true;
            }
        }
        return false;
    }

    static bool fixed_accepts(const Value& schema, const Value& value) {
        if (const Value* fixed = member(schema, "const"); fixed != nullptr && *fixed != value) {
            return false;
        }
        const Value* list = member(schema, "enum");
        if (list == nullptr) {
            return true;
        }
        for (const Value& one : list->GetArray()) {
            if (one == value) {
                return true;
            }
        }
        return false;
    }

    static bool number_accepts(const Value& schema, const Value& value) {
        if (!value.IsNumber()) {
            return true;
        }
        const double number = value.GetDouble();
        const auto bound = [&schema](const char* name, double otherwise) {
            const Value* given = member(schema, name);
            return given == nullptr ? otherwise : given->GetDouble();
        };
        const double step = bound("multipleOf", 0);
        const double parts = step > 0 ? number / step : 0;
        return number >= bound("minimum", -1e300) && number <= bound("maximum", 1e300) &&
               number > bound("exclusiveMinimum", -1e300) &&
               number < bound("exclusiveMaximum", 1e300) &&
               std::abs(parts - std::round(parts)) < 1e-9;
    }

    static bool string_accepts(const Value& schema, const Value& value) {
        if (!value.IsString()) {
            return true;
        }
        if (const Value* pattern = member(schema, "pattern"); pattern != nullptr) {
            if (!std::regex_search(value.GetString(), std::regex{pattern->GetString()})) {
                return false;
            }
        }
        return size_accepts(schema, value.GetStringLength(), "minLength", "maxLength");
    }

    static bool size_accepts(const Value& schema,
                             std::size_t size,
                             const char* least,
                             const char* most) {
        const Value* low = member(schema, least);
        const Value* high = member(schema, most);
        return (low == nullptr || size >= low->GetUint()) &&
               (high == nullptr || size <= high->GetUint());
    }

    bool array_accepts(const Value& schema, const Value& value) const {
        if (!value.IsArray()) {
            return true;
        }
        const Value* first = member(schema, "prefixItems");
        const Value* items = member(schema, "items");
        for (rapidjson::SizeType i = 0; i < value.Size(); ++i) {
            const Value* own = first != nullptr && i < first->Size() ? &(*first)[i] : items;
            if (own != nullptr && !accepts(*own, value[i])) {
                return false;
            }
            for (rapidjson::SizeType j = 0; member(schema, "uniqueItems") != nullptr && j < i;
                 ++j) {
                if (value[i] == value[j]) {
                    return false;
                }
            }
        }
        return size_accepts(schema, value.Size(), "minItems", "maxItems");
    }

    bool object_accepts(const Value& schema, const Value& value) const {
        if (!value.IsObject()) {
            return true;
        }
        if (const Value* required = member(schema, "required"); required != nullptr) {
            for (const Value& name : required->GetArray()) {
                if (!value.HasMember(name.GetString())) {
                    return false;
                }
            }
        }
        const Value* properties = member(schema, "properties");
        const Value* others = member(schema, "additionalProperties");
        for (const auto& one : value.GetObject()) {
            const Value* own =
                properties == nullptr ? nullptr : member(*properties, one.name.GetString());
            own = own == nullptr ? others : own;
            if (own != nullptr && !accepts(*own, one.value)) {
                return false;
            }
        }
        return true;
    }

    const Value& root_;
};

}  // namespace headgate::providers
