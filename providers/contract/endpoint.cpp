#include "providers/contract/endpoint.h"

#include <algorithm>
#include <optional>

namespace headgate::providers {
namespace {

/// A segment of the tree that all paths of the table make. The children of a node stand side by
/// side: first the literal ones, sorted, then the one for a `{…}`, if any.
struct PathNode {
    std::string_view segment;  // empty: the root, or a `{…}`
    std::string_view allow;    // the methods of the path that ends here
    std::uint16_t first_child;
    std::uint16_t literal_children;
    std::uint16_t first_row;  // in kRowsByPath
    std::uint16_t rows;       // 0: no path ends here
    bool has_parameter;
    bool takes_rest;  // its `{…}` holds slashes
    bool is_gone;     // all rows are `removed`: so the path is, whatever the method
};

#include "providers/contract/generated.inc"

/// Where a path ends in the tree, and what stood for its last `{…}`.
struct PathMatch {
    const PathNode* node = nullptr;
    std::string_view argument;
};

/// A dot segment also where its dots are percent-encoded (RFC 3986 §6.2.2): some server behind us
/// might resolve it.
bool is_dot_segment(std::string_view segment) {
    int dots = 0;
    while (!segment.empty()) {
        const bool is_encoded = segment.starts_with("%2e") || segment.starts_with("%2E");
        if ((!is_encoded && segment.front() != '.') || ++dots > 2) {
            return false;
        }
        segment.remove_prefix(is_encoded ? 3 : 1);
    }
    return dots != 0;
}

bool is_argument(std::string_view segment) {
    return !segment.empty() && !is_dot_segment(segment);
}

bool is_rest(std::string_view rest) {
    for (;;) {
        const std::size_t slash = rest.find('/');
        if (!is_argument(rest.substr(0, slash))) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        rest.remove_prefix(slash + 1);
    }
}

const PathNode* literal_child(const PathNode& parent, std::string_view segment) {
    const PathNode* const begin = kPathNodes + parent.first_child;
    const PathNode* const end = begin + parent.literal_children;
    const PathNode* const found =
        std::ranges::lower_bound(begin, end, segment, {}, &PathNode::segment);
    return found != end && found->segment == segment ? found : nullptr;
}

/// Finds the row path for `rest`, which begins behind a slash. A literal segment goes before a
/// `{…}`; where it leads nowhere the `{…}` is tried. As deep as the tree: ten levels.
PathMatch match(const PathNode& parent, std::string_view rest, std::string_view argument) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool is_last = slash == std::string_view::npos;
    const auto follow = [&](const PathNode& child, std::string_view last_argument) {
        if (!is_last) {
            return match(child, rest.substr(slash + 1), last_argument);
        }
        return child.rows != 0 ? PathMatch{&child, last_argument} : PathMatch{};
    };
    if (const PathNode* const child = literal_child(parent, segment)) {
        if (const PathMatch found = follow(*child, argument); found.node != nullptr) {
            return found;
        }
    }
    if (!parent.has_parameter) {
        return {};
    }
    const PathNode& child = kPathNodes[parent.first_child + parent.literal_children];
    if (child.takes_rest) {
        return is_rest(rest) ? PathMatch{&child, rest} : PathMatch{};
    }
    return is_argument(segment) ? follow(child, segment) : PathMatch{};
}

const Endpoint* row_of(const PathNode& node, Method method) {
    const std::uint16_t* const first = kRowsByPath + node.first_row;
    for (std::size_t i = 0; i < node.rows; ++i) {
        if (kRows[first[i]].method == method) {
            return &kRows[first[i]];
        }
    }
    return node.is_gone ? &kRows[*first] : nullptr;
}

constexpr std::size_t row_index(Operation operation) {
    std::size_t index = 0;
    while (kRows[index].operation != operation) {
        ++index;
    }
    return index;
}

/// What nearly every request asks for, found without the tree; the most frequent first.
constexpr const Endpoint* kHot[] = {
    &kRows[row_index(Operation::chat_completions)], &kRows[row_index(Operation::responses)],
    &kRows[row_index(Operation::embeddings)],       &kRows[row_index(Operation::completions)],
    &kRows[row_index(Operation::moderations)],      &kRows[row_index(Operation::image_generations)],
    &kRows[row_index(Operation::models_list)],
};

}  // namespace

std::span<const Endpoint> endpoint_table() {
    return kRows;
}

std::span<const std::string_view> endpoint_families() {
    return kFamilies;
}

Classified classify(Method method, std::string_view path) {
    for (const Endpoint* const endpoint : kHot) {
        if (endpoint->path == path && endpoint->method == method) {
            return {.endpoint = endpoint, .argument = {}, .allow = {}};
        }
    }
    if (!path.starts_with('/')) {
        return {};
    }
    const PathMatch found = match(kPathNodes[0], path.substr(1), {});
    if (found.node == nullptr) {
        return {};
    }
    if (const Endpoint* const endpoint = row_of(*found.node, method)) {
        return {.endpoint = endpoint, .argument = found.argument, .allow = {}};
    }
    return {.endpoint = nullptr, .argument = {}, .allow = found.node->allow};
}

std::string_view to_string(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::post:
            return "POST";
        case Method::put:
            return "PUT";
        case Method::patch:
            return "PATCH";
        case Method::del:
            return "DELETE";
        case Method::head:
            return "HEAD";
        case Method::options:
            return "OPTIONS";
        case Method::other:
            break;
    }
    return "OTHER";
}

std::string_view to_string(Operation operation) {
    switch (operation) {
        case Operation::chat_completions:
            return "chat_completions";
        case Operation::completions:
            return "completions";
        case Operation::embeddings:
            return "embeddings";
        case Operation::moderations:
            return "moderations";
        case Operation::responses:
            return "responses";
        case Operation::image_generations:
            return "image_generations";
        case Operation::models_list:
            return "models_list";
        case Operation::models_retrieve:
            return "models_retrieve";
        case Operation::other:
            break;
    }
    return "other";
}

}  // namespace headgate::providers
