#include "policy/config/yaml_builder.h"

#include <array>
#include <string_view>

namespace headgate::policy {
namespace {

[[noreturn]] void refuse(const YAML::Mark& mark, std::string message) {
    throw YamlRefusal{{mark.line + 1, mark.column + 1, std::move(message)}};
}

/// "?" is what yaml-cpp gives a plain node, "!" a quoted one.
void check_scalar_tag(const YAML::Mark& mark, std::string_view tag) {
    constexpr std::array<std::string_view, 7> known = {"",
                                                       "?",
                                                       "!",
                                                       "tag:yaml.org,2002:str",
                                                       "tag:yaml.org,2002:int",
                                                       "tag:yaml.org,2002:float",
                                                       "tag:yaml.org,2002:bool"};
    if (std::ranges::find(known, tag) == known.end()) {
        refuse(mark, "this tag has no meaning in a policy; leave it out");
    }
}

void check_collection_tag(const YAML::Mark& mark, std::string_view tag, std::string_view own) {
    if (!tag.empty() && tag != "?" && tag != "!" && tag != own) {
        refuse(mark, "this tag has no meaning in a policy; leave it out");
    }
}

}  // namespace

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
    if (root_) {
        refuse(mark, "a policy is a single YAML document, but a second one begins here");
    }
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
    add(node_at(YamlNode::Kind::null, mark), anchor);
}

void YamlBuilder::OnScalar(const YAML::Mark& mark,
                           const std::string& tag,
                           YAML::anchor_t anchor,
                           const std::string& value) {
    check_scalar_tag(mark, tag);
    auto node = node_at(YamlNode::Kind::scalar, mark);
    node->text = value;
    node->is_plain = tag != "!" && tag != "tag:yaml.org,2002:str";
    add(std::move(node), anchor);
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
        refuse(mark, "this alias stands inside the node that it repeats");
    }
    const YamlPtr& node = found->second;
    file_.nodes_from_aliases += node->size;
    if (file_.nodes_from_aliases > kMaxExpandedNodes) {
        refuse(mark, "aliases expand beyond 100,000 nodes");
    }
    if (open_.size() + node->height > kMaxYamlDepth) {
        refuse(mark, "nesting goes beyond 64 levels where this alias is expanded");
    }
    add_to_parent(node);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark,
                                  const std::string& tag,
                                  YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value /*style*/) {
    check_collection_tag(mark, tag, "tag:yaml.org,2002:seq");
    open(YamlNode::Kind::sequence, mark, anchor);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark,
                             const std::string& tag,
                             YAML::anchor_t anchor,
                             YAML::EmitterStyle::value /*style*/) {
    check_collection_tag(mark, tag, "tag:yaml.org,2002:map");
    open(YamlNode::Kind::map, mark, anchor);
}

std::shared_ptr<YamlNode> YamlBuilder::node_at(YamlNode::Kind kind, const YAML::Mark& mark) const {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->file = file_.file;
    node->line = mark.line + 1;
    node->column = mark.column + 1;
    return node;
}

void YamlBuilder::open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxYamlDepth) {
        refuse(mark, "nesting goes beyond 64 levels");
    }
    open_.push_back({node_at(kind, mark), anchor, nullptr});
}

void YamlBuilder::close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
}

void YamlBuilder::add(YamlPtr node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
        anchors_.emplace(anchor, node);
    }
    add_to_parent(std::move(node));
}

void YamlBuilder::add_to_parent(YamlPtr node) {
    if (open_.empty()) {
        root_ = std::move(node);
        return;
    }
    Open& parent = open_.back();
    parent.node->size += node->size;
    parent.node->height = std::max(parent.node->height, node->height + 1);
    if (parent.node->kind == YamlNode::Kind::sequence) {
        parent.node->items.push_back(std::move(node));
    } else if (parent.pending_key) {
        parent.node->entries.push_back({std::move(parent.pending_key), std::move(node)});
        parent.pending_key = nullptr;
    } else if (node->kind == YamlNode::Kind::scalar) {
        parent.pending_key = std::move(node);
    } else {
        throw YamlRefusal{{node->line, node->column, "the name of a setting must be plain text"}};
    }
}

}  // namespace headgate::policy
