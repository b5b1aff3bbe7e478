#include "policy/config/yaml_builder.h"

namespace headgate::policy {
namespace {

[[noreturn]] void refuse(const YamlMark& mark, std::string message) {
    throw YamlRefusal{{mark.line, mark.column, std::move(message)}};
}

}  // namespace

void YamlBuilder::add_scalar(const YamlMark& mark,
                             YamlNode::Kind kind,
                             std::string text,
                             bool is_plain) {
    auto node = node_at(mark, kind);
    node->text = std::move(text);
    node->is_plain = is_plain;
    if (YamlPtr* const anchor = anchor_of(mark)) {
        *anchor = node;
    }
    add_to_parent(std::move(node));
}

void YamlBuilder::add_alias(const YamlMark& mark) {
    const auto found = anchors_.find(std::string(mark.anchor));
    if (found == anchors_.end()) {
        refuse(mark, "this alias repeats what has not been named before: there is no anchor &" +
                         std::string(mark.anchor.substr(0, 64)));
    }
    const YamlPtr node = found->second;
    if (!node) {
        refuse(mark, "this alias stands inside the node that it repeats");
    }
    file_.nodes_from_aliases += node->size;
    if (file_.nodes_from_aliases > kMaxExpandedNodes) {
        refuse(mark, "aliases expand beyond 100,000 nodes");
    }
    if (open_.size() + node->height > kMaxYamlDepth) {
        refuse(mark, "nesting goes beyond 64 levels where this alias is expanded");
    }
    add_to_parent(node);
}

void YamlBuilder::open(const YamlMark& mark, YamlNode::Kind kind) {
    if (open_.size() >= kMaxYamlDepth) {
        refuse(mark, "nesting goes beyond 64 levels");
    }
    open_.push_back({node_at(mark, kind), anchor_of(mark), nullptr});
}

void YamlBuilder::close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != nullptr) {
        *done.anchor = done.node;
    }
    add_to_parent(std::move(done.node));
}

std::shared_ptr<YamlNode> YamlBuilder::node_at(const YamlMark& mark, YamlNode::Kind kind) const {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->file = file_.file;
    node->line = mark.line;
    node->column = mark.column;
    return node;
}

/// The anchor's place, emptied: a name that is given again means the new node from now on.
YamlPtr* YamlBuilder::anchor_of(const YamlMark& mark) {
    if (mark.anchor.empty()) {
        return nullptr;
    }
    YamlPtr& anchored = anchors_[std::string(mark.anchor)];
    anchored = nullptr;
    return &anchored;
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
