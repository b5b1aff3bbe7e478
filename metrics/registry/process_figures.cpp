#include "metrics/registry/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace headgate::metrics {
namespace {

std::optional<std::uint64_t> number_from(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

/// Up to the next space or line end, which `text` loses too.
std::string_view next_word(std::string_view& text) {
    const std::size_t end = text.find_first_of(" \n");
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return word;
}

/// Empty where it cannot be read.
std::string content_of(const char* path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::optional<double> count_open_descriptors() {
    std::error_code error;
    std::filesystem::directory_iterator entry{"/proc/self/fd", error};
    double count = 0;
    for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
        ++count;
    }
    if (error) {
        return std::nullopt;
    }
    return count - 1;  // the one that counting itself opened
}

std::optional<double> max_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return std::nullopt;
    }
    return static_cast<double>(limit.rlim_cur);
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
    // The second field is the program's name in parentheses and may hold both spaces and ')'.
    const std::size_t name_end = text.rfind(") ");
    if (name_end == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(name_end + 2);
    constexpr std::size_t kFirstField = 3;  // numbered as in the manual page
    constexpr std::size_t kLastField = 24;
    std::array<std::optional<std::uint64_t>, kLastField + 1> fields;
    for (std::size_t field = kFirstField; field <= kLastField; ++field) {
        fields[field] = number_from(next_word(text));
    }
    const auto user = fields[14];
    const auto system = fields[15];
    const auto started = fields[22];
    const auto virtual_bytes = fields[23];
    const auto resident_pages = fields[24];
    if (!user || !system || !started || !virtual_bytes || !resident_pages) {
        return std::nullopt;
    }
    return ProcessStat{*user + *system, *started, *virtual_bytes, *resident_pages};
}

std::optional<std::uint64_t> parse_boot_time(std::string_view text) {
    constexpr std::string_view kName = "\nbtime ";
    const std::size_t at = text.find(kName);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(at + kName.size());
    return number_from(next_word(text));
}

std::optional<std::uint64_t> read_boot_time() {
    return parse_boot_time(content_of("/proc/stat"));
}

ProcessFigures read_process_figures(std::optional<std::uint64_t> boot_time) {
    ProcessFigures figures;
    figures.open_descriptors = count_open_descriptors();
    figures.max_descriptors = max_descriptors();
    const std::optional<ProcessStat> stat = parse_process_stat(content_of("/proc/self/stat"));
    const auto ticks_a_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
    if (!stat || ticks_a_second <= 0 || page_bytes <= 0) {
        return figures;
    }
    figures.cpu_seconds = static_cast<double>(stat->cpu_ticks) / ticks_a_second;
    figures.virtual_bytes = static_cast<double>(stat->virtual_bytes);
    figures.resident_bytes = static_cast<double>(stat->resident_pages) * page_bytes;
    if (boot_time) {
        figures.start_time_seconds = static_cast<double>(*boot_time) +
                                     static_cast<double>(stat->started_ticks) / ticks_a_second;
    }
    return figures;
}

}  // namespace headgate::metrics
