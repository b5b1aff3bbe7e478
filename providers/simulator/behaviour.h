#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// One kind of trouble that a simulated provider makes, at `rate` of its answers. Exactly one of
/// status, delay and cut_after is set.
struct Fault {
    std::optional<int> status;                       // answer this error at once
    std::optional<std::chrono::milliseconds> delay;  // wait this long before the head
    /// Break off after this many events or, unstreamed, bytes.
    std::optional<std::int64_t> cut_after;
    double rate = 1.0;                                     // 0…1
    std::optional<std::chrono::milliseconds> retry_after;  // sent with `status`

    friend bool operator==(const Fault&, const Fault&) = default;
};

/// How a simulated provider behaves (`headgate simulate`, `kind: simulator`).
struct Behaviour {
    std::chrono::milliseconds first_byte{0};
    std::chrono::milliseconds token_delay{0};
    std::int64_t tokens = 50;  // of an answer that sets no cap
    std::vector<Fault> fail;

    friend bool operator==(const Behaviour&, const Behaviour&) = default;
};

}  // namespace headgate::providers
