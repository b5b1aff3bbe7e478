#include "policy/routing/attempt_walk.h"

#include "tests/unit/policy/routing/policy_in_code.h"
#include "tests/unit/policy/routing/scripted_gate.h"

namespace headgate::policy {
namespace {

using Kind = AttemptFailure::Kind;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

AttemptFailure status(int code) {
    return {.kind = Kind::status, .status = code, .retry_after = {}};
}
AttemptFailure limited(milliseconds retry_after) {
    return {.kind = Kind::status, .status = 429, .retry_after = retry_after};
}
AttemptFailure credential() {
    return {.kind = Kind::status, .status = 401, .is_credential = true, .retry_after = {}};
}
AttemptFailure quota() {
    return {.kind = Kind::status, .status = 429, .is_quota = true, .retry_after = {}};
}
AttemptFailure failed(Kind kind) {
    return {.kind = kind, .retry_after = {}};
}

class AttemptWalkTest : public testing::Test {
protected:
    AttemptWalkTest() {
        for (const std::string_view name : {"a", "b", "c"}) {
            policy_.provider(std::string(name));
        }
        route_ = &policy_.route("all");
    }

    void leave_targets(std::size_t count) { route_->targets.resize(count); }

    /// Fails each step in turn as told; "a b a+" of the steps, `+` for a repeat.
    std::string steps(const std::vector<AttemptFailure>& failures,
                      ScriptedGate& gate,
                      milliseconds left = hours{1}) {
        plan_ = *policy_.plan(policy_.facts("gpt-5"));
        walk_.emplace(plan_, Random{7});
        waits_.clear();
        std::string text;
        std::optional<AttemptWalk::Step> step = walk_->first(gate);
        for (std::size_t i = 0; step; ++i) {
            text += (text.empty() ? "" : " ") + step->target->target.provider->name;
            text += step->is_repeat ? "+" : "";
            waits_.push_back(step->wait);
            if (i == failures.size()) {
                break;
            }
            step = walk_->next(failures[i], left, gate);
        }
        return text;
    }
    std::string steps(const std::vector<AttemptFailure>& failures, milliseconds left = hours{1}) {
        ScriptedGate gate;
        return steps(failures, gate, left);
    }

    PolicyInCode policy_;
    Route* route_ = nullptr;
    Plan plan_;
    std::optional<AttemptWalk> walk_;
    std::vector<milliseconds> waits_;
};

TEST_F(AttemptWalkTest, MovesAtOnceAfterWhatFallbackOnLists) {
    const AttemptFailure moving[] = {
        status(429),           status(500),       status(529),          failed(Kind::connect),
        failed(Kind::timeout), failed(Kind::cut), failed(Kind::invalid)};
    for (const AttemptFailure& failure : moving) {
        EXPECT_EQ(steps({failure}), "a b");
        EXPECT_EQ(waits_[1], milliseconds{0});
    }
    for (const int code : {400, 403, 404, 409, 413, 422, 501, 599, 600, -1}) {
        EXPECT_EQ(steps({status(code)}), "a") << code;
    }
}

TEST_F(AttemptWalkTest, ObeysTheRoutesOwnFallbackOn) {
    route_->fallback_on = {};
    route_->fallback_on.statuses.reset();
    route_->fallback_on.statuses.set(418);
    route_->fallback_on.timeout = false;

    EXPECT_EQ(steps({status(418)}), "a b");
    EXPECT_EQ(steps({status(503)}), "a");
    EXPECT_EQ(steps({failed(Kind::timeout)}), "a");
    EXPECT_EQ(steps({failed(Kind::connect)}), "a b");
    EXPECT_EQ(steps({credential(), quota()}), "a b c");
}

TEST_F(AttemptWalkTest, NeverMovesWhereFallbackOnIsEmpty) {
    route_->fallback_on.statuses.reset();
    route_->fallback_on.connect = route_->fallback_on.timeout = false;
    route_->fallback_on.cut = route_->fallback_on.invalid = false;

    EXPECT_EQ(steps({credential()}), "a");
    EXPECT_EQ(steps({quota()}), "a");
    EXPECT_EQ(steps({status(503)}), "a");
}

TEST_F(AttemptWalkTest, RepeatsTheFirstWhenTargetsAreUsedUpAndAttemptsAreLeft) {
    leave_targets(2);
    route_->retry.attempts = 5;

    EXPECT_EQ(steps({status(503), status(503), status(503), status(503), status(503)}),
              "a b a+ a+ a+");
    EXPECT_EQ(walk_->attempts(), 5);
}

TEST_F(AttemptWalkTest, NeverRepeatsARefusedCredentialOrAUsedUpQuota) {
    leave_targets(2);
    route_->retry.attempts = 4;

    EXPECT_EQ(steps({credential(), status(503), status(503)}), "a b b+ b+");
    EXPECT_EQ(steps({quota(), credential()}), "a b");
    EXPECT_EQ(steps({status(503), quota(), credential()}), "a b a+");
}

TEST_F(AttemptWalkTest, WaitsForTheRetryAfterWhereItWasTold) {
    leave_targets(2);

    EXPECT_EQ(steps({limited(seconds{3}), status(503)}), "a b a+");
    EXPECT_EQ(waits_[2], seconds{3});
}

TEST_F(AttemptWalkTest, LooksAtTheNextWhereTheWaitDoesNotFit) {
    leave_targets(2);

    EXPECT_EQ(steps({limited(seconds{3}), status(503)}, seconds{3}), "a b b+");
    EXPECT_EQ(steps({limited(seconds{3}), limited(seconds{9})}, seconds{2}), "a b");
    EXPECT_EQ(steps({limited(seconds{3}), limited(seconds{9})}, milliseconds{3'001}), "a b a+");
    EXPECT_EQ(steps({status(503)}, milliseconds{0}), "a");
}

TEST_F(AttemptWalkTest, BacksOffWithFullJitterThatDoublesUpToItsMost) {
    leave_targets(1);
    route_->retry = {.attempts = 9, .backoff = milliseconds{100}, .max_backoff = milliseconds{500}};
    const std::vector<milliseconds> most{milliseconds{100}, milliseconds{200}, milliseconds{400},
                                         milliseconds{500}, milliseconds{500}};
    std::vector<milliseconds> longest(most.size());
    ScriptedGate gate;
    const Plan plan = *policy_.plan(policy_.facts("gpt-5"));

    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        AttemptWalk walk{plan, Random{seed}};
        walk.first(gate);
        for (std::size_t i = 0; i < most.size(); ++i) {
            const auto step = walk.next(status(503), hours{1}, gate);
            ASSERT_LE(step->wait, most[i]) << "seed " << seed;
            longest[i] = std::max(longest[i], step->wait);
        }
    }

    for (std::size_t i = 0; i < most.size(); ++i) {
        EXPECT_GE(longest[i], most[i] * 9 / 10);
    }
}

TEST_F(AttemptWalkTest, TakesARetryAfterOfZeroForNone) {
    leave_targets(1);
    route_->retry = {.attempts = 2, .backoff = seconds{60}, .max_backoff = seconds{60}};

    EXPECT_EQ(steps({limited(milliseconds{0})}), "a a+");
    EXPECT_GT(waits_[1], milliseconds{0});
}

TEST_F(AttemptWalkTest, PassesOverWhatTheGateDoesNotAdmit) {
    ScriptedGate gate{
        [](const PlannedTarget& target, bool) { return target.target.provider->name != "a"; }};

    EXPECT_EQ(steps({status(503), status(503)}, gate), "b c b+");
    ASSERT_EQ(walk_->passed_over().size(), 1U);
    EXPECT_EQ(walk_->passed_over()[0], plan_.targets.data());
}

TEST_F(AttemptWalkTest, AsksForTheFirstTargetAsALastResortWhereNothingWasAdmitted) {
    ScriptedGate gate{[](const PlannedTarget& target, bool) { return target.is_last_resort; }};

    EXPECT_EQ(steps({status(503)}, gate), "a");
    EXPECT_EQ(gate.asked(), "a b c !a a+");
    EXPECT_EQ(walk_->passed_over().size(), 2U);  // a was tried after all
}

TEST_F(AttemptWalkTest, EndsWhereTheGateAdmitsNobody) {
    ScriptedGate closed{[](const PlannedTarget&, bool) { return false; }};
    EXPECT_EQ(steps({}, closed), "");
    EXPECT_EQ(closed.asked(), "a b c !a");
    EXPECT_EQ(walk_->verdict(), Verdict::unavailable);

    for (const std::string_view name : {"a", "b", "c"}) {
        policy_.record(name, "gpt-5", failure());
    }
    ScriptedGate also_closed{[](const PlannedTarget&, bool) { return false; }};
    EXPECT_EQ(steps({}, also_closed), "");
    EXPECT_EQ(also_closed.asked(), "!a");
}

TEST_F(AttemptWalkTest, AsksForARepeatOfALastResortAsForAnyOther) {
    for (const std::string_view name : {"a", "b", "c"}) {
        policy_.record(name, "gpt-5", failure());
    }
    ScriptedGate gate;

    EXPECT_EQ(steps({status(503)}, gate), "a a+");
    EXPECT_EQ(gate.asked(), "!a a+");
}

TEST_F(AttemptWalkTest, AsksTheNextRepeatableWhereARepeatIsNotAdmitted) {
    leave_targets(2);
    ScriptedGate gate{[](const PlannedTarget& target, bool is_repeat) {
        return !is_repeat || target.target.provider->name == "b";
    }};

    EXPECT_EQ(steps({status(503), status(503)}, gate), "a b b+");
    EXPECT_EQ(gate.asked(), "a b a+ b+");
}

TEST_F(AttemptWalkTest, EndsOnce) {
    ScriptedGate gate;
    EXPECT_EQ(steps({status(400)}, gate), "a");

    EXPECT_FALSE(walk_->next(status(503), hours{1}, gate));
    EXPECT_EQ(walk_->verdict(), Verdict::pass_error);  // the second failure was of no attempt
}

TEST_F(AttemptWalkTest, JudgesWhatToTellTheClient) {
    struct Case {
        std::vector<AttemptFailure> failures;
        Verdict verdict;
    };
    const AttemptFailure connect = failed(Kind::connect);
    const AttemptFailure timeout = failed(Kind::timeout);
    const AttemptFailure invalid = failed(Kind::invalid);
    const Case cases[] = {
        {{}, Verdict::unavailable},
        {{status(503)}, Verdict::pass_error},
        {{status(429)}, Verdict::pass_error},
        {{status(400)}, Verdict::pass_error},
        {{credential()}, Verdict::auth_failed},
        {{quota()}, Verdict::quota_exhausted},
        {{connect}, Verdict::unavailable},
        {{failed(Kind::cut)}, Verdict::unavailable},
        {{timeout}, Verdict::timed_out},
        {{invalid}, Verdict::invalid_answer},
        {{timeout, timeout, timeout}, Verdict::timed_out},
        {{invalid, invalid}, Verdict::invalid_answer},
        {{timeout, invalid}, Verdict::unavailable},
        {{status(429), limited(seconds{1})}, Verdict::rate_limited},
        {{status(429), quota()}, Verdict::quota_exhausted},
        {{quota(), status(429)}, Verdict::unavailable},
        {{status(429), status(503)}, Verdict::unavailable},
        {{status(503), status(503), status(503)}, Verdict::unavailable},
        {{status(503), status(404)}, Verdict::pass_error},
        {{timeout, credential()}, Verdict::auth_failed},
        {{credential(), connect}, Verdict::unavailable},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(testing::Message() << "case " << &c - cases);
        const std::string told = steps(c.failures);

        EXPECT_EQ(walk_->verdict(), c.verdict) << told;
    }
}

TEST_F(AttemptWalkTest, PassesTheErrorOfATargetThatWasAskedAlone) {
    leave_targets(1);

    EXPECT_EQ(steps({status(503), status(500), status(502)}), "a a+ a+");

    EXPECT_EQ(walk_->verdict(), Verdict::pass_error);
}

TEST_F(AttemptWalkTest, RemembersTheSmallestRetryAfterOfAny429) {
    route_->retry.attempts = 4;
    steps({limited(seconds{5}), limited(seconds{2}), limited(seconds{9})});
    EXPECT_EQ(walk_->smallest_retry_after(), seconds{2});

    AttemptFailure unavailable = status(503);
    unavailable.retry_after = seconds{1};
    steps({unavailable, status(429)});
    EXPECT_EQ(walk_->smallest_retry_after(), std::nullopt);
}

}  // namespace
}  // namespace headgate::policy
