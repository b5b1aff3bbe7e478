#include "proxy/admin/targets_json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using policy::AttemptPermit;
using policy::TargetHealth;
using Kind = policy::AttemptReport::Kind;

constexpr providers::SteadyTime kNow{1000s};
constexpr policy::BreakerSettings kSettings{.failures = 1, .window = 10s, .open_for = 5s};

void record(TargetHealth& health, const policy::AttemptReport& report) {
    auto permit = AttemptPermit::acquire(health, AttemptPermit::Why::last_resort, kNow);
    ASSERT_TRUE(permit.has_value());
    permit->record(report, kSettings, kNow);
}

std::string json_of(const TargetHealth& health, providers::SteadyTime now) {
    const std::vector<TargetHealth::Report> reports{health.report(now)};
    return targets_json(reports, now);
}

TEST(TargetsJson, IsAnEmptyListWithoutTargets) {
    EXPECT_EQ(targets_json({}, kNow), R"({"data":[]})");
}

TEST(TargetsJson, TellsATargetThatIsWell) {
    TargetHealth health{"openai", "gpt-5"};
    record(health, {.kind = Kind::success, .status = 200, .first_byte = 12'300us});

    EXPECT_EQ(json_of(health, kNow),
              R"({"data":[{"provider":"openai","model":"gpt-5","state":"closed",)"
              R"("breaker":"closed","benched":null,"in_flight":0,"attempts":1,"success_rate":1,)"
              R"("first_byte_ms":12.3,"last_error":null,"open_for_ms":null}]})");
}

TEST(TargetsJson, TellsATargetWhoseBreakerIsOpen) {
    TargetHealth health{"openai", "gpt-5"};
    record(health, {.kind = Kind::success, .status = 200});
    record(health, {.kind = Kind::failure, .reason = "connect"});

    EXPECT_EQ(json_of(health, kNow + 1500ms),
              R"({"data":[{"provider":"openai","model":"gpt-5","state":"open","breaker":"open",)"
              R"("benched":null,"in_flight":0,"attempts":2,"success_rate":0.9375,)"
              R"("first_byte_ms":null,"last_error":{"reason":"connect","status":null,)"
              R"("ago_ms":1500},"open_for_ms":3500}]})");
}

TEST(TargetsJson, TellsABenchedTargetAndAHalfOpenBreakerBehindIt) {
    TargetHealth health{"azure", "we\"ird"};
    record(health, {.kind = Kind::failure, .status = 503, .reason = "status"});
    record(health, {.kind = Kind::auth, .status = 401, .reason = "status"});

    EXPECT_EQ(json_of(health, kNow + 5s),
              R"({"data":[{"provider":"azure","model":"we\"ird","state":"benched",)"
              R"("breaker":"half_open","benched":{"reason":"auth","until_ms":55000},)"
              R"("in_flight":0,"attempts":2,"success_rate":0,"first_byte_ms":null,)"
              R"("last_error":{"reason":"status","status":401,"ago_ms":5000},)"
              R"("open_for_ms":null}]})");
}

TEST(TargetsJson, SeparatesTargets) {
    TargetHealth one{"openai", "gpt-5"};
    TargetHealth two{"azure", "gpt-5"};
    record(one, {});
    record(two, {});
    const std::vector<TargetHealth::Report> reports{one.report(kNow), two.report(kNow)};

    const std::string json = targets_json(reports, kNow);

    EXPECT_NE(json.find(R"(},{"provider":"azure")"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("success_rate":null)"), std::string::npos) << json;
}

}  // namespace
}  // namespace headgate::proxy
