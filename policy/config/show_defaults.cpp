#include "policy/config/show_defaults.h"

#include "policy/config/base_url.h"
#include "policy/config/schema.h"

#include <stdexcept>

namespace headgate::policy {
namespace {

using Kind = YamlNode::Kind;

/// In data/defaults.yaml: the shape of all entries of a block whose names are the operator's own.
constexpr std::string_view kEach = "*";
/// There: the shape of what is written only where the policy has it.
constexpr std::string_view kOptional = "?";

std::shared_ptr<YamlNode> node_of(Kind kind) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    return node;
}

YamlPtr plain(std::string_view text) {
    auto node = node_of(Kind::scalar);
    node->text = text;
    node->is_plain = true;
    return node;
}

bool has(const YamlNode& map, std::string_view name) {
    return value_of(map, name) != nullptr;
}

YamlPtr merged(const YamlPtr& shape, const YamlPtr& value);

/// The settings that the shape knows in its order, then the others in that of the file.
YamlPtr merged_block(const YamlNode& shape, const YamlNode& block) {
    auto result = node_of(Kind::map);
    for (const YamlEntry& known : shape.entries) {
        const YamlPtr value = merged(known.value, value_of(block, known.key->text));
        if (value) {
            result->entries.push_back({known.key, value});
        }
    }
    for (const YamlEntry& entry : block.entries) {
        if (!has(shape, entry.key->text)) {
            result->entries.push_back(entry);
        }
    }
    return result;
}

/// Blocks under names of the operator's.
YamlPtr merged_each(const YamlPtr& shape, const YamlNode& blocks) {
    auto result = node_of(Kind::map);
    for (const YamlEntry& entry : blocks.entries) {
        result->entries.push_back({entry.key, merged(shape, entry.value)});
    }
    return result;
}

/// A list of blocks, for which one block may stand.
YamlPtr merged_list(const YamlPtr& shape, const YamlPtr& value) {
    auto result = node_of(Kind::sequence);
    if (value && value->kind == Kind::sequence) {
        for (const YamlPtr& item : value->items) {
            result->items.push_back(merged(shape, item));
        }
    } else if (value) {
        result->items.push_back(merged(shape, value));
    }
    return result;
}

bool is_list_of_blocks(const YamlNode& shape) {
    return shape.kind == Kind::sequence && !shape.items.empty() &&
           shape.items.front()->kind == Kind::map;
}

/// `value`, null where the policy has none, with what `shape` knows; null: not to be written.
YamlPtr merged(const YamlPtr& shape, const YamlPtr& value) {
    if (shape->kind == Kind::null) {
        return value;
    }
    if (is_list_of_blocks(*shape)) {
        const bool is_faulty = value && value->kind != Kind::sequence && value->kind != Kind::map;
        return is_faulty ? value : merged_list(shape->items.front(), value);
    }
    if (shape->kind != Kind::map) {
        return value ? value : shape;
    }
    if (const YamlPtr optional = value_of(*shape, kOptional)) {
        return value ? merged(optional, value) : nullptr;
    }
    const YamlPtr each = value_of(*shape, kEach);
    if (value && value->kind != Kind::map) {
        return value;
    }
    if (each) {
        return value ? merged_each(each, *value) : nullptr;
    }
    return merged_block(*shape, value ? *value : YamlNode{});
}

/// `block` with another value for `name`, or with it at its end.
YamlPtr with_value(const YamlNode& block, std::string_view name, const YamlPtr& value) {
    auto result = std::make_shared<YamlNode>(block);
    const auto entry = std::ranges::find_if(
        result->entries, [name](const YamlEntry& each) { return each.key->text == name; });
    if (entry == result->entries.end()) {
        result->entries.push_back({plain(name), value});
    } else {
        entry->value = value;
    }
    return result;
}

/// The shape of a provider of that kind, with the default of `allow_private` where it is known.
YamlPtr provider_shape(const YamlNode& kinds, const YamlNode& provider) {
    const YamlPtr kind = value_of(provider, "kind");
    YamlPtr shape = kind ? value_of(kinds, kind->text) : nullptr;
    if (!shape) {
        return value_of(kinds, "any");
    }
    YamlPtr url = value_of(provider, "base_url");
    url = url ? url : value_of(*shape, "base_url");
    const auto base_url = parse_base_url(url ? url->text : std::string_view{});
    if (base_url && has(*shape, "allow_private")) {
        const std::string_view is_private = names_private_address(*base_url) ? "true" : "false";
        shape = with_value(*shape, "allow_private", plain(is_private));
    }
    return shape;
}

YamlPtr merged_providers(const YamlNode& kinds, const YamlPtr& providers) {
    if (!providers || providers->kind != Kind::map) {
        return providers;
    }
    auto result = node_of(Kind::map);
    for (const YamlEntry& entry : providers->entries) {
        result->entries.push_back(
            {entry.key, merged(provider_shape(kinds, *entry.value), entry.value)});
    }
    return result;
}

/// Without routes there are none to write: the implicit route is not one of the file.
YamlPtr merged_routes(const YamlPtr& shape, const YamlPtr& routes) {
    const bool is_list = routes && (routes->kind == Kind::sequence || routes->kind == Kind::map);
    return is_list ? merged_list(shape, routes) : routes;
}

}  // namespace

YamlPtr value_of(const YamlNode& map, std::string_view name) {
    const auto entry = std::ranges::find_if(
        map.entries, [name](const YamlEntry& each) { return each.key->text == name; });
    return entry == map.entries.end() ? nullptr : entry->value;
}

YamlPtr with_defaults(const YamlNode& tree) {
    const auto shapes = parse_yaml(std::string(policy_defaults()));
    if (!shapes) {
        throw std::logic_error("data/defaults.yaml: " + shapes.error().message);
    }
    YamlNode policy = tree.kind == Kind::map ? tree : YamlNode{};
    policy.kind = Kind::map;
    std::erase_if(policy.entries,
                  [](const YamlEntry& entry) { return entry.key->text == "include"; });
    if (const YamlPtr providers = value_of(policy, "providers")) {
        const YamlPtr kinds = value_of(**shapes, "provider");
        policy = *with_value(policy, "providers", merged_providers(*kinds, providers));
    }
    if (const YamlPtr routes = value_of(policy, "routes")) {
        policy = *with_value(policy, "routes", merged_routes(value_of(**shapes, "route"), routes));
    }
    return merged(value_of(**shapes, "policy"), std::make_shared<const YamlNode>(policy));
}

}  // namespace headgate::policy
