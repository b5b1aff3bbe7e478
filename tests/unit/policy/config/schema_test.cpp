#include "policy/config/schema.h"

#include "policy/config/json_text.h"
#include "policy/config/show_defaults.h"

#include <rapidjson/document.h>
#include <rapidjson/writer.h>

namespace headgate::policy {
namespace {

using Json = rapidjson::Value;

rapidjson::Document schema() {
    rapidjson::Document document;
    document.Parse(policy_schema().data(), policy_schema().size());
    EXPECT_FALSE(document.HasParseError());
    return document;
}

std::string text_of(const Json& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
    value.Accept(writer);
    return buffer.GetString();
}

/// `tell` for every object schema that has properties, with a name for messages.
template <class Tell>
void for_each_block(const Json& root, Tell&& tell) {
    tell("the policy", root);
    for (const auto& definition : root["$defs"].GetObject()) {
        if (!definition.value.HasMember("properties")) {
            continue;
        }
        tell(definition.name.GetString(), definition.value);
        for (const auto& property : definition.value["properties"].GetObject()) {
            if (property.value.HasMember("properties")) {
                tell(property.name.GetString(), property.value);
            }
        }
    }
}

TEST(Schema, IsAJsonSchemaOf2020InReadableLines) {
    const rapidjson::Document root = schema();

    EXPECT_STREQ(root["$schema"].GetString(), "https://json-schema.org/draft/2020-12/schema");
    EXPECT_TRUE(policy_schema().starts_with("{\n  \"$schema\""));
    EXPECT_TRUE(policy_schema().ends_with("}\n"));
}

TEST(Schema, AllowsNoUnknownNameInAnyBlock) {
    for_each_block(schema(), [](std::string_view name, const Json& block) {
        ASSERT_TRUE(block.HasMember("additionalProperties")) << name;
        EXPECT_TRUE(block["additionalProperties"].IsFalse()) << name;
    });
}

TEST(Schema, TellsTheDefaultOfEverySetting) {
    const rapidjson::Document root = schema();

    for_each_block(root, [&root](std::string_view name, const Json& block) {
        for (const auto& property : block["properties"].GetObject()) {
            const std::string place = std::string(name) + "." + property.name.GetString();
            const Json* described = &property.value;
            if (!described->HasMember("description")) {  // a block, or a list of blocks
                const std::string_view reference = (*described)["$ref"].GetString();
                const std::string_view prefix = "#/$defs/";
                described = &root["$defs"][std::string(reference.substr(prefix.size())).c_str()];
                EXPECT_TRUE(described->HasMember("description")) << place;
                continue;
            }
            const std::string_view text = (*described)["description"].GetString();
            const bool is_block = described->HasMember("properties");
            const bool is_always_there =
                property.name == "providers" || property.name == "projects";
            const bool tells_default =
                text.contains("Default") || text.contains("No default") || text.contains("Absent:");
            EXPECT_TRUE(is_block || is_always_there || tells_default) << place << ": " << text;
            if (described->HasMember("default") && (*described)["default"].IsString()) {
                const std::string value = (*described)["default"].GetString();
                EXPECT_TRUE(text.contains(value + ".") || text.contains("`" + value + "`."))
                    << place << ": " << text;
            }
        }
    });
}

/// Every default of a block of data/defaults.yaml against that of the schema's property.
void compare_defaults(const Json& root,
                      const YamlNode& shape,
                      const Json& block,
                      const std::string& place) {
    const Json& properties = block["properties"];
    for (const YamlEntry& entry : shape.entries) {
        const std::string name = place + "." + entry.key->text;
        ASSERT_TRUE(properties.HasMember(entry.key->text.c_str())) << name;
        const Json& property = properties[entry.key->text.c_str()];
        const YamlPtr optional = value_of(*entry.value, "?");
        const YamlNode& value = optional ? *optional : *entry.value;
        const bool is_block = value.kind == YamlNode::Kind::map && !value.entries.empty();
        if (is_block && value.entries.front().key->text == "*") {
            continue;
        }
        if (is_block) {
            const std::string reference =
                property.HasMember("$ref") ? property["$ref"].GetString() + 8 : "";
            compare_defaults(root, value,
                             reference.empty() ? property : root["$defs"][reference.c_str()], name);
            continue;
        }
        const bool is_list_of_blocks = value.kind == YamlNode::Kind::sequence &&
                                       !value.items.empty() && !value.items[0]->entries.empty();
        const bool is_free = value.kind == YamlNode::Kind::null ||
                             (optional && is_list_of_blocks) || entry.key->text == "base_url" ||
                             entry.key->text == "targets";
        if (is_list_of_blocks && entry.key->text == "limits") {
            compare_defaults(root, *value.items[0], root["$defs"]["limit"], name);
        }
        if (!is_free) {
            ASSERT_TRUE(property.HasMember("default")) << name;
            EXPECT_EQ(text_of(property["default"]), is_list_of_blocks ? "[]" : to_json_text(value))
                << name;
        }
    }
}

TEST(Schema, HasTheDefaultsThatShowWritesOut) {
    const rapidjson::Document root = schema();
    const auto shapes = parse_yaml(std::string(policy_defaults()));
    ASSERT_TRUE(shapes);
    const Json& definitions = root["$defs"];
    const YamlPtr policy = value_of(**shapes, "policy");

    compare_defaults(root, *policy, root, "policy");
    compare_defaults(root, *value_of(**shapes, "route"), definitions["route"], "route");
    compare_defaults(root, *value_of(*value_of(*policy, "projects"), "*"), definitions["project"],
                     "project");
    compare_defaults(root, *value_of(*value_of(*policy, "prices"), "*"), definitions["price"],
                     "price");
    for (const YamlEntry& kind : value_of(**shapes, "provider")->entries) {
        compare_defaults(root, *kind.value, definitions["provider"], "provider");
    }
}

TEST(Schema, HasEverySettingOfTheBlocksThatShowWrites) {
    const rapidjson::Document root = schema();
    const auto shapes = parse_yaml(std::string(policy_defaults()));
    ASSERT_TRUE(shapes);

    for (const auto& property : root["properties"].GetObject()) {
        EXPECT_TRUE(value_of(*value_of(**shapes, "policy"), property.name.GetString()))
            << property.name.GetString();
    }
    for (const auto& property : root["$defs"]["route"]["properties"].GetObject()) {
        EXPECT_TRUE(value_of(*value_of(**shapes, "route"), property.name.GetString()))
            << property.name.GetString();
    }
}

}  // namespace
}  // namespace headgate::policy
