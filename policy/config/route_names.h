#pragma once

#include "policy/config/reading.h"
#include "policy/config/snapshot.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace headgate::policy {

/// The providers and projects that routes may name. `snapshot` must outlive it, both parts read.
class RouteNames {
public:
    explicit RouteNames(const Snapshot& snapshot);

    /// What the setting names; null where it is dangling (reported with the nearest name), faulty
    /// (reported) or unknown.
    const providers::Provider* provider(Reading& reading, const Setting& setting);
    const Project* project(Reading& reading, const Setting& setting);

private:
    template <class T>
    using ByName = std::unordered_map<std::string_view, const T*>;

    /// `what`: "provider" or "project".
    template <class T>
    const T* named(Reading& reading,
                   const Setting& setting,
                   const ByName<T>& all,
                   std::string_view what);

    ByName<providers::Provider> providers_;
    ByName<Project> projects_;
    /// Looking for the nearest of ten thousand names takes a while: not for each of as many slips.
    std::size_t hints_left_ = 20;
};

}  // namespace headgate::policy
