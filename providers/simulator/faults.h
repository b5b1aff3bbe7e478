#pragma once

#include "providers/simulator/wire_script.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace headgate::providers {

/// The trouble that one answer makes, drawn from a behaviour's faults. Private to this folder.
struct Trouble {
    std::optional<int> status;
    std::optional<std::chrono::milliseconds> retry_after;
    std::chrono::milliseconds delay{0};
    std::optional<std::int64_t> cut_after;
};

/// Draws once a fault, in their order, whatever came out before. Delays add up, of several
/// statuses the first counts, of several cuts the shortest.
Trouble draw_trouble(const Behaviour& behaviour, SimulatorState& state);

/// Breaks the answer off: a stream after `count` events, a plain answer after `count` bytes of its
/// body. An answer that is not longer than that passes whole.
void cut(WireScript& script, std::int64_t count);

}  // namespace headgate::providers
