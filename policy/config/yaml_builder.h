#pragma once

#include "policy/config/yaml_tree.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace headgate::policy {

/// Thrown by YamlBuilder out of yaml-cpp's parser; parse_yaml() turns it into its error.
struct YamlRefusal {
    YamlError error;
};

/// Builds a tree from yaml-cpp's events rather than from its Node, which drops duplicate keys'
/// marks and lets an alias contain itself. Limits are checked before a node is added.
class YamlBuilder final : public YAML::EventHandler {
public:
    explicit YamlBuilder(YamlFile& file) : file_{file} {}

    /// The document; null before its end.
    YamlPtr root() const { return root_; }

    void OnDocumentStart(const YAML::Mark& mark) override;
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& value) override;
    void OnSequenceStart(const YAML::Mark& mark,
                         const std::string& tag,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override;
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark,
                    const std::string& tag,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override;
    void OnMapEnd() override { close(); }

private:
    struct Open {
        std::shared_ptr<YamlNode> node;
        YAML::anchor_t anchor = YAML::NullAnchor;
        YamlPtr pending_key;  // of a map whose value comes next
    };

    std::shared_ptr<YamlNode> node_at(YamlNode::Kind kind, const YAML::Mark& mark) const;
    void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor);
    void close();
    void add(YamlPtr node, YAML::anchor_t anchor);
    void add_to_parent(YamlPtr node);

    YamlFile& file_;
    YamlPtr root_;
    std::vector<Open> open_;
    std::unordered_map<YAML::anchor_t, YamlPtr> anchors_;
};

}  // namespace headgate::policy
