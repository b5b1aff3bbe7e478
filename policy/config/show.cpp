#include "policy/config/show.h"

#include "policy/config/json_text.h"
#include "policy/config/show_defaults.h"
#include "policy/config/show_secrets.h"
#include "policy/config/yaml_text.h"

namespace headgate::policy {
namespace {

/// Written out the implicit route would be another one: it would send a provider what that does
/// not serve.
constexpr std::string_view kNoRoutes =
    "# Without `routes` there is one implicit route, `default`: all providers that serve the "
    "model, "
    "in the\n"
    "# order of the file; simulators only where the policy has nothing else.\n";

YamlPtr effective_policy(const YamlNode& tree) {
    return with_defaults(*without_secrets(tree));
}

bool is_block(const YamlNode& node) {
    return !node.entries.empty() || (node.kind == YamlNode::Kind::sequence && !node.items.empty() &&
                                     !node.items.front()->entries.empty());
}

}  // namespace

std::string show_policy(const YamlNode& tree) {
    const YamlPtr policy = effective_policy(tree);
    std::string text;
    bool is_after_block = false;
    for (const YamlEntry& entry : policy->entries) {
        const bool begins_block = is_block(*entry.value);
        if (!text.empty() && (begins_block || is_after_block)) {
            text += '\n';
        }
        append_yaml(entry, 0, text);
        is_after_block = begins_block;
        const bool is_place_of_routes = entry.key->text == "providers";
        if (is_place_of_routes && !value_of(*policy, "routes")) {
            text += '\n';
            text += kNoRoutes;
        }
    }
    return text;
}

std::string show_policy_json(const YamlNode& tree) {
    return to_json_text(*effective_policy(tree));
}

}  // namespace headgate::policy
