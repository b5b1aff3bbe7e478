#pragma once

#include "policy/config/snapshot.h"
#include "policy/routing/facts.h"
#include "policy/routing/route_set.h"

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::policy {

/// Finds the first route that matches without looking at each: a set of routes, as a bit each, for
/// every name, prefix, project, endpoint family and way of answering that routes mention. A request
/// intersects a few sets and tries what is left in order (docs/performance.md has the figures).
///
/// Memory: about 100 bytes for each distinct name, and 16 for each 64 routes among which one
/// mentions it. A project that no route names costs nothing: all such share the set of the routes
/// without a project condition. Immutable, so that all workers may share it.
class RouteIndex {
public:
    /// `snapshot` must outlive it.
    explicit RouteIndex(const Snapshot& snapshot);

    /// Null where no route matches.
    const Route* first_match(const Facts& facts) const;

    /// Shows `visit` in order the routes that take `model` of `project` under some further
    /// condition or none, until it returns false.
    void for_each_taking(std::string_view model,
                         const Project& project,
                         const std::function<bool(const Route&)>& visit) const;

private:
    /// What routes say about one property of a request: those that do not care about it, and for
    /// each value those that ask for it.
    template <class Key>
    struct Dimension {
        RouteSet any;
        std::unordered_map<Key, RouteSet> by_value;

        RouteBlock accepting(const Key& value, const RouteBlock& empty) const;
    };
    struct Prefixes {
        std::size_t length = 0;
        std::unordered_map<std::string_view, RouteSet> by_prefix;
    };
    struct Glob {
        std::string_view glob;
        RouteSet routes;
    };
    struct Wanted {
        std::string_view model;
        const Project* project = nullptr;
        std::optional<std::string_view> family;  // nullopt: whatever the route asks for
        std::optional<bool> stream;
    };

    void add(std::size_t place, const Route& route);
    void add_model(std::size_t place, std::string_view glob);
    /// Keeps those in `block` that take the model.
    void keep_taking(std::string_view model, RouteBlock& block, const RouteBlock& empty) const;
    /// The first route for which `accepts` holds, of those that what is wanted leaves.
    template <class Accepts>
    const Route* search(const Wanted& wanted, Accepts accepts) const;

    const Snapshot& snapshot_;
    Dimension<std::string_view> models_;  // `any`: `*`; by exact name
    std::vector<Prefixes> prefixes_;      // ascending by length
    std::vector<Glob> globs_;             // all others; sorted, each once
    Dimension<const Project*> projects_;
    Dimension<std::string_view> families_;
    std::array<RouteSet, 2> streams_;  // by whether the answer is streamed
};

}  // namespace headgate::policy
