#pragma once

#include "policy/config/yaml_tree.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::policy {

/// Thrown by YamlBuilder; parse_yaml() turns it into its error.
struct YamlRefusal {
    YamlError error;
};

/// Where an event stands (from 1) and under which name aliases repeat it; empty: none.
struct YamlMark {
    int line = 0;
    int column = 0;
    std::string_view anchor;
};

/// Builds a tree from a parser's events. Limits are checked before a node is added.
class YamlBuilder {
public:
    explicit YamlBuilder(YamlFile& file) : file_{file} {}

    /// The document; null before its end.
    YamlPtr root() const { return root_; }

    /// `text` is empty for a null.
    void add_scalar(const YamlMark& mark, YamlNode::Kind kind, std::string text, bool is_plain);
    void add_alias(const YamlMark& mark);
    void open(const YamlMark& mark, YamlNode::Kind kind);
    void close();

private:
    struct Open {
        std::shared_ptr<YamlNode> node;
        YamlPtr* anchor = nullptr;  // where aliases find it once it is closed
        YamlPtr pending_key;        // of a map whose value comes next
    };

    std::shared_ptr<YamlNode> node_at(const YamlMark& mark, YamlNode::Kind kind) const;
    YamlPtr* anchor_of(const YamlMark& mark);
    void add_to_parent(YamlPtr node);

    YamlFile& file_;
    YamlPtr root_;
    std::vector<Open> open_;
    std::unordered_map<std::string, YamlPtr> anchors_;  // null: of a node that is still open
};

}  // namespace headgate::policy
