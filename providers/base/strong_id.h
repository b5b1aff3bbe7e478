#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace headgate::providers {

/// A name that cannot be mixed up with another kind of name. Compares by value; costs a string.
///   using ProjectId = StrongId<struct ProjectIdTag>;
template <class Tag>
struct StrongId {
    std::string value;

    friend auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace headgate::providers

template <class Tag>
struct std::hash<headgate::providers::StrongId<Tag>> {
    std::size_t operator()(const headgate::providers::StrongId<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.value);
    }
};
