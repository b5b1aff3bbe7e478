#include "policy/keys/time_text.h"

#include <gtest/gtest.h>

namespace headgate::policy {
namespace {

TEST(TimeTexts, ArePaddedAndInUtc) {
    const Day day{std::chrono::year{2026} / 1 / 5};

    EXPECT_EQ(day_text(day), "2026-01-05");
    EXPECT_EQ(moment_text(day), "2026-01-05T00:00:00Z");
    EXPECT_EQ(moment_text(day + std::chrono::hours{23} + std::chrono::milliseconds{59'999}),
              "2026-01-05T23:00:59Z");
}

TEST(TimeTexts, GoBeforeTheEpoch) {
    const Day epoch{};

    EXPECT_EQ(moment_text(epoch - std::chrono::seconds{1}), "1969-12-31T23:59:59Z");
}

}  // namespace
}  // namespace headgate::policy
