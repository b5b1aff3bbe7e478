#include "proxy/pipeline/request_id.h"

#include <set>

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;

TEST(RequestIds, AreTwentySixCharactersBehindTheirPrefix) {
    RequestIds ids;

    const RequestId id = ids.next(providers::WallTime{});

    EXPECT_TRUE(text(id).starts_with("req_"));
    EXPECT_EQ(text(id).size(), 30U);
    EXPECT_EQ(text(id).find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz", 4),
              std::string_view::npos);
}

TEST(RequestIds, SortByTime) {
    RequestIds ids;
    const providers::WallTime now = std::chrono::system_clock::now();

    EXPECT_LT(text(ids.next(now)), text(ids.next(now + 1ms)));
    EXPECT_LT(text(ids.next(now)), text(ids.next(now + 24h * 365)));
}

TEST(RequestIds, DifferWithinAMillisecondAndBetweenWorkers) {
    RequestIds one;
    RequestIds other;
    std::set<std::string> seen;

    for (int i = 0; i < 1000; ++i) {
        seen.emplace(text(one.next(providers::WallTime{})));
        seen.emplace(text(other.next(providers::WallTime{})));
    }

    EXPECT_EQ(seen.size(), 2000U);
}

}  // namespace
}  // namespace headgate::proxy
