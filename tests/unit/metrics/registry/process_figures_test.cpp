#include "metrics/registry/process_figures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace headgate::metrics {
namespace {

// In the shape of proc_pid_stat(5).
constexpr std::string_view kStat =
    "4711 (headgate) S 1 4711 4711 0 -1 4194560 9001 0 12 0 345 67 0 0 20 0 5 0 123456 "
    "268435456 2048 18446744073709551615 1 1 0 0 0 0 0 4096 81922 0 0 0 17 1 0 0 0 0 0\n";

TEST(ProcessStat, TakesItsFieldsByTheirNumbers) {
    const std::optional<ProcessStat> stat = parse_process_stat(kStat);

    ASSERT_TRUE(stat.has_value());
    EXPECT_EQ(stat->cpu_ticks, 345U + 67U);
    EXPECT_EQ(stat->started_ticks, 123'456U);
    EXPECT_EQ(stat->virtual_bytes, 268'435'456U);
    EXPECT_EQ(stat->resident_pages, 2'048U);
}

TEST(ProcessStat, IsNotMisledByTheNameOfTheProgram) {
    std::string text{kStat};
    text.replace(text.find("headgate"), 8, "a) S 1 2 (b");

    const std::optional<ProcessStat> stat = parse_process_stat(text);

    ASSERT_TRUE(stat.has_value());
    EXPECT_EQ(stat->started_ticks, 123'456U);
}

TEST(ProcessStat, IsNoneForAnotherShape) {
    for (std::size_t length = 0; length < kStat.find("2048"); ++length) {
        EXPECT_FALSE(parse_process_stat(kStat.substr(0, length)).has_value()) << length;
    }
    EXPECT_FALSE(parse_process_stat("4711 (headgate) S x y z").has_value());
}

TEST(BootTime, IsTheLineOfThatName) {
    EXPECT_EQ(parse_boot_time("cpu  1 2 3\nintr 4\nbtime 1764000000\nprocesses 9\n"), 1764000000U);
    EXPECT_EQ(parse_boot_time("cpu  1 2 3\n"), std::nullopt);
    EXPECT_EQ(parse_boot_time("cpu\nbtime soon\n"), std::nullopt);
    EXPECT_EQ(parse_boot_time(""), std::nullopt);
}

TEST(ProcessFigures, TellOfThisProcess) {
    const ProcessFigures figures = read_process_figures(read_boot_time());
    const auto now =
        static_cast<double>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));

    EXPECT_GE(figures.cpu_seconds.value(), 0);
    EXPECT_GT(figures.resident_bytes.value(), 1'000'000);
    EXPECT_GT(figures.virtual_bytes.value(), figures.resident_bytes.value());
    EXPECT_GE(figures.open_descriptors.value(), 3);
    EXPECT_GT(figures.max_descriptors.value(), figures.open_descriptors.value());
    EXPECT_NEAR(figures.start_time_seconds.value(), now, 600);
}

TEST(ProcessFigures, LeaveOutTheStartWhereTheMachinesIsUnknown) {
    const ProcessFigures figures = read_process_figures(std::nullopt);

    EXPECT_FALSE(figures.start_time_seconds.has_value());
    EXPECT_TRUE(figures.cpu_seconds.has_value());
}

}  // namespace
}  // namespace headgate::metrics
