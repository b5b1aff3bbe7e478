#pragma once

#include <chrono>

namespace headgate::providers {

/// Wall time for what people read (rows, headers, periods); steady time for what is measured.
/// Pure code takes these as arguments and never asks a clock itself.
using WallTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

}  // namespace headgate::providers
