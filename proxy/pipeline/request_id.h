#pragma once

#include "providers/base/clock.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace headgate::proxy {

/// "req_" and 26 characters of Crockford's base 32: 48 bits of milliseconds, then 80 random bits
/// (a ULID, so ids sort by time). Unique, not secret.
using RequestId = std::array<char, 30>;

inline std::string_view text(const RequestId& id) {
    return {id.data(), id.size()};
}

/// Makes ids; one a worker. Seeded by the operating system.
class RequestIds {
public:
    RequestIds();
    RequestId next(providers::WallTime now);

private:
    std::uint64_t random();

    std::array<std::uint64_t, 2> state_{};
};

}  // namespace headgate::proxy
