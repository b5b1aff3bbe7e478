#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::metrics {

/// What /proc/PID/stat tells (proc_pid_stat(5)), in the kernel's units.
struct ProcessStat {
    std::uint64_t cpu_ticks = 0;      // user and system, of all threads
    std::uint64_t started_ticks = 0;  // after the machine's start
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_pages = 0;
};

/// None where the text has another shape.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// The machine's start in seconds since 1970: the line `btime` of /proc/stat.
std::optional<std::uint64_t> parse_boot_time(std::string_view text);

/// What Prometheus' clients call process_*, for the own process. Absent: the system does not tell.
struct ProcessFigures {
    std::optional<double> cpu_seconds;
    std::optional<double> start_time_seconds;  // since 1970
    std::optional<double> virtual_bytes;
    std::optional<double> resident_bytes;
    std::optional<double> open_descriptors;
    std::optional<double> max_descriptors;
};

/// Reads /proc/self anew. `boot_time` as from read_boot_time(), which does not change.
ProcessFigures read_process_figures(std::optional<std::uint64_t> boot_time);
std::optional<std::uint64_t> read_boot_time();

}  // namespace headgate::metrics
