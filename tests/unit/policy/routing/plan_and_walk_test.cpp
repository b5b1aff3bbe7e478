#include "policy/routing/attempt_walk.h"
#include "policy/routing/router.h"
#include "tests/unit/policy/routing/policy_in_code.h"

#include <set>

namespace headgate::policy {
namespace {

using Kind = AttemptFailure::Kind;
using std::chrono::milliseconds;

/// What properties are looked at over: policies, healths and failures drawn from a seed.
class World {
public:
    explicit World(std::uint64_t seed) : random_{seed}, seed_{seed} {
        const std::size_t providers = 1 + below(5);
        for (std::size_t i = 0; i < providers; ++i) {
            providers::Provider& provider = policy_.provider("p" + std::to_string(i));
            provider.enabled = !one_in(10);
            if (one_in(5)) {
                provider.models = {"gpt-5*"};
            }
        }
        draw_route();
        for (const RouteTarget& target : route_->targets) {
            draw_health(target);
        }
    }

    std::size_t below(std::size_t end) { return random_.next() % end; }
    bool one_in(std::size_t n) { return below(n) == 0; }

    Facts facts() {
        Facts facts = policy_.facts(one_in(2) ? "gpt-5" : "gpt-4o");
        facts.input_tokens = static_cast<std::int64_t>(below(100'000));
        facts.prefix = one_in(2) ? random_.next() : 0;
        return facts;
    }

    AttemptFailure failure() {
        constexpr std::array statuses{429, 500, 503, 529, 429, 503, 400, 501};
        AttemptFailure failure;
        failure.kind = static_cast<Kind>(below(5));
        if (failure.kind == Kind::status) {
            failure.status = statuses[below(statuses.size())];
            failure.is_credential = one_in(6);
            failure.is_quota = !failure.is_credential && one_in(6);
        }
        if (one_in(3)) {
            failure.retry_after = milliseconds{static_cast<std::int64_t>(below(5'000))};
        }
        return failure;
    }

    PolicyInCode& policy() { return policy_; }
    const Route& route() const { return *route_; }
    std::uint64_t seed() const { return seed_; }

private:
    void draw_route() {
        route_ = &policy_.route("drawn");
        route_->is_implicit = one_in(4);
        route_->strategy = static_cast<Strategy>(below(5));
        route_->has_prefix_affinity = one_in(3);
        route_->retry.attempts = static_cast<int>(1 + below(6));
        route_->retry.backoff = milliseconds{static_cast<std::int64_t>(below(3) * 200)};
        route_->fallback_on.timeout = !one_in(4);
        if (one_in(15)) {
            route_->fallback_on.statuses.reset();
        }
        while (!route_->is_implicit && one_in(2)) {
            RouteTarget target = route_->targets[below(route_->targets.size())];
            target.model = one_in(2) ? "gpt-5" : "gpt-5-mini";
            route_->targets.push_back(target);
        }
        for (RouteTarget& target : route_->targets) {
            target.weight = static_cast<std::int64_t>(below(4));
        }
    }

    void draw_health(const RouteTarget& target) {
        const std::string& name = target.provider->name;
        for (const std::string_view model : {"gpt-5", "gpt-4o", "gpt-5-mini"}) {
            policy_.occupy(name, model, static_cast<int>(below(3)));
            if (one_in(4)) {
                policy_.record(name, model, policy::failure());
            }
            if (one_in(5)) {
                policy_.record(name, model, rate_limited(milliseconds{500}));
            }
        }
        policy_.pass(std::chrono::seconds{one_in(3) ? 4 : 0});
    }

    PolicyInCode policy_;
    Route* route_ = nullptr;
    Random random_;
    std::uint64_t seed_;
};

/// As the one that serves: real permits of the targets' healths.
class ServingGate : public AttemptGate {
public:
    explicit ServingGate(providers::SteadyTime now) : now_{now} {}

    bool admit(const PlannedTarget& target, bool is_repeat) override {
        const auto why = is_repeat               ? AttemptPermit::Why::repeat
                         : target.is_last_resort ? AttemptPermit::Why::last_resort
                                                 : AttemptPermit::Why::first;
        return AttemptPermit::acquire(*target.health, why, now_).has_value();
    }

private:
    providers::SteadyTime now_;
};

using Name = std::pair<const providers::Provider*, std::string_view>;

Name name_of(const PlannedTarget& planned) {
    return {planned.target.provider, planned.target.model};
}

TEST(Plan, NeverHasATargetTwiceAndAccountsForEachOfTheRoute) {
    int plans = 0;
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        World world{seed};
        for (int request = 0; request < 3; ++request) {
            const Facts facts = world.facts();
            const auto plan = world.policy().plan(facts, seed);
            if (!plan) {
                ASSERT_EQ(plan.error().code, providers::ErrorCode::model_not_found);
                continue;
            }
            ++plans;
            std::set<Name> seen;
            for (const PlannedTarget& planned : plan->targets) {
                ASSERT_TRUE(seen.insert(name_of(planned)).second);
                ASSERT_TRUE(planned.target.provider->enabled);
                ASSERT_EQ(planned.health->model(), planned.target.model);
                ASSERT_TRUE(!planned.is_last_resort || plan->targets.size() == 1);
            }
            ASSERT_LE(plan->targets.size() + plan->skipped.size(), world.route().targets.size());
        }
    }
    EXPECT_GT(plans, 4'000);
}

TEST(Plan, IsTheSameForTheSameSeed) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        World world{seed};
        const Facts facts = world.facts();

        const std::string once = told(world.policy().plan(facts, seed), facts.model);
        const std::string again = told(world.policy().plan(facts, seed), facts.model);

        ASSERT_EQ(once, again);
    }
}

/// Looks at each step of a walk as it is made.
class WalkCheck {
public:
    WalkCheck(const Plan& plan, const AttemptWalk& walk) : plan_{plan}, walk_{walk} {}

    void expect_fair(const AttemptWalk::Step& step, milliseconds left) {
        const Name name = name_of(*step.target);
        ASSERT_LE(walk_.attempts(), plan_.route->retry.attempts);
        ASSERT_EQ(step.is_repeat, tried_.contains(name));
        ASSERT_FALSE(retired_.contains(name));
        ASSERT_LT(step.wait, left);
        if (!step.is_repeat) {
            ASSERT_EQ(step.wait, milliseconds{0});
        } else {
            ASSERT_EQ(tried_.size() + walk_.passed_over().size(), plan_.targets.size());
            const auto told = told_.at(name).value_or(milliseconds{0});
            ASSERT_TRUE(told == milliseconds{0} || step.wait == told);
            ASSERT_LE(step.wait, std::max(told, plan_.route->retry.max_backoff));
        }
        tried_.insert(name);
    }

    void note(const AttemptWalk::Step& step, const AttemptFailure& failure) {
        told_[name_of(*step.target)] = failure.retry_after;
        if (failure.is_credential || failure.is_quota) {
            retired_.insert(name_of(*step.target));
        }
    }

private:
    const Plan& plan_;
    const AttemptWalk& walk_;
    std::set<Name> tried_;
    std::set<Name> retired_;
    std::map<Name, std::optional<milliseconds>> told_;
};

TEST(AttemptWalk, KeepsItsPromisesWhateverFails) {
    int repeats = 0;
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        World world{seed};
        const auto plan = world.policy().plan(world.facts(), seed);
        if (!plan) {
            continue;
        }
        ServingGate gate{world.policy().now()};
        AttemptWalk walk{*plan, Random{seed}};
        WalkCheck check{*plan, walk};
        milliseconds left{20'000};
        auto step = walk.first(gate);
        ASSERT_TRUE(step);
        while (step) {
            ASSERT_NO_FATAL_FAILURE(check.expect_fair(*step, left));
            repeats += step->is_repeat ? 1 : 0;
            left -= step->wait + milliseconds{static_cast<std::int64_t>(world.below(4'000))};
            const AttemptFailure failure = world.failure();
            check.note(*step, failure);
            const bool may_move = walk.may_move(failure);
            step = walk.next(failure, left, gate);
            ASSERT_TRUE(may_move || !step);
        }
        ASSERT_FALSE(walk.next({}, left, gate));
    }
    EXPECT_GT(repeats, 500);
}

TEST(AttemptWalk, IsTheSameForTheSameSeed) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        std::string told[2];
        for (std::string& text : told) {
            World world{seed};
            const auto plan = world.policy().plan(world.facts(), seed);
            if (!plan) {
                continue;
            }
            ServingGate gate{world.policy().now()};
            AttemptWalk walk{*plan, Random{seed}};
            for (auto step = walk.first(gate); step;
                 step = walk.next(world.failure(), std::chrono::hours{1}, gate)) {
                text += step->target->target.provider->name + " " +
                        std::to_string(step->wait.count()) + " ";
            }
        }
        ASSERT_EQ(told[0], told[1]);
    }
}

}  // namespace
}  // namespace headgate::policy
