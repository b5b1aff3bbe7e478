#include "tests/conformance/limits/limits_scenarios.h"

#include <gtest/gtest.h>

#include <chrono>

namespace headgate::policy::testing {

namespace {

using Kind = Refusal::Kind;
using std::chrono::hours;
using std::chrono::milliseconds;

/// Times are of a clock that runs: a bucket of a day drains by less than a thousandth meanwhile.
constexpr milliseconds kMeanwhile{80'000};

void expect_refused_by(const Decision& decision, Kind kind, const std::string& bucket) {
    ASSERT_TRUE(decision.refusal);
    EXPECT_EQ(decision.refusal->kind, kind);
    ASSERT_NE(decision.refusal->bucket, nullptr);
    EXPECT_EQ(decision.refusal->bucket->name, bucket);
}

void counts_requests(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpd, 2}})};
    world.open();
    const auto limits = make_backend(kind, world);

    const Decision first = limits->admit(world.subject(search), demand());
    const Decision second = limits->admit(world.subject(search), demand());
    const Decision third = limits->admit(world.subject(search), demand());

    EXPECT_FALSE(first.refusal);
    ASSERT_TRUE(first.requests);
    EXPECT_EQ(first.requests->limit, 2);
    EXPECT_EQ(first.requests->remaining, 1);
    EXPECT_FALSE(first.tokens);
    EXPECT_FALSE(second.refusal);
    EXPECT_EQ(second.requests->remaining, 0);
    EXPECT_GT(second.requests->resets_in, hours{24} - kMeanwhile);
    EXPECT_LE(second.requests->resets_in, hours{24});
    expect_refused_by(third, Kind::limit, "p/search/*/rpd");
    EXPECT_EQ(third.refusal->scope->id, "search");
    EXPECT_GT(third.refusal->retry_after, hours{12} - kMeanwhile);
    EXPECT_LE(third.refusal->retry_after, hours{12});
    EXPECT_EQ(third.requests->remaining, 0);
}

void refuses_what_never_fits(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpd, 1}, {LimitKind::tpd, 1'000}})};
    search.budget = budget(usd(1));
    world.open();
    const auto limits = make_backend(kind, world);
    ASSERT_FALSE(limits->admit(world.subject(search), demand({}, 10)).refusal);

    const Decision decision = limits->admit(world.subject(search), demand(usd(5), 1'001));

    expect_refused_by(decision, Kind::too_large, "p/search/*/tpd");
    EXPECT_EQ(decision.tokens->remaining, 990);
}

void corrects_tokens(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::tpd, 1'000}})};
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);
    const Demand held = demand({}, 600);

    const Decision first = limits->admit(subject, held);
    const Decision too_early = limits->admit(subject, held);
    limits->settle(subject, {.held = held, .tokens = 100});
    const Decision second = limits->admit(subject, held);
    limits->settle(subject, {.held = held, .tokens = 1'400});
    const Decision in_debt = limits->admit(subject, demand({}, 1));

    EXPECT_EQ(first.tokens->remaining, 400);
    expect_refused_by(too_early, Kind::limit, "p/search/*/tpd");
    ASSERT_FALSE(second.refusal);
    EXPECT_EQ(second.tokens->remaining, 300);
    ASSERT_TRUE(in_debt.refusal);
    EXPECT_GT(in_debt.refusal->retry_after, hours{12} - kMeanwhile);  // 501 of 1,000 a day
    EXPECT_EQ(in_debt.tokens->remaining, 0);
}

void never_corrects_below_nothing(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::tpm, 1'000'000}})};
    world.open();
    const auto limits = make_backend(kind, world);
    const Demand held = demand({}, 500);

    limits->settle(world.subject(search), {.held = held, .tokens = 0});
    const Decision decision = limits->admit(world.subject(search), held);

    EXPECT_EQ(decision.tokens->remaining, 999'500);
}

void bounds_what_runs_at_a_time(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::concurrent, 2}})};
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);

    ASSERT_FALSE(limits->admit(subject, demand()).refusal);
    ASSERT_FALSE(limits->admit(subject, demand()).refusal);
    const Decision full = limits->admit(subject, demand());
    limits->settle(subject, settled(demand(), {}));
    const Decision again = limits->admit(subject, demand());
    const Decision full_again = limits->admit(subject, demand());

    expect_refused_by(full, Kind::limit, "p/search/*/concurrent");
    EXPECT_EQ(full.refusal->retry_after, milliseconds{1'000});
    EXPECT_FALSE(full.requests);
    EXPECT_FALSE(again.refusal);
    EXPECT_TRUE(full_again.refusal);
}

void counts_images(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::ipm, 1'000'000}})};
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);

    const Decision most = limits->admit(subject, demand({}, 0, 1'000'000));
    const Decision none = limits->admit(subject, demand());
    const Decision many = limits->admit(subject, demand({}, 0, 900'000));
    limits->settle(subject, {.held = demand({}, 0, 1'000'000), .images = 1});
    const Decision fits = limits->admit(subject, demand({}, 0, 900'000));

    EXPECT_FALSE(most.refusal);
    EXPECT_FALSE(none.refusal) << "a request without images does not ask";
    expect_refused_by(many, Kind::limit, "p/search/*/ipm");
    EXPECT_FALSE(fits.refusal);
}

void takes_all_or_none(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpd, 10}})};
    const Key& key = world.key(search, "prod", entry({{LimitKind::tpd, 100}}));
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search, &key);

    const Decision first = limits->admit(subject, demand({}, 60));
    const Decision refused = limits->admit(subject, demand({}, 60));
    const Decision small = limits->admit(subject, demand({}, 40));

    ASSERT_FALSE(first.refusal);
    EXPECT_EQ(first.requests->remaining, 9);
    EXPECT_EQ(first.tokens->limit, 100);
    expect_refused_by(refused, Kind::limit, "k/search/prod/*/tpd");
    EXPECT_EQ(refused.refusal->scope->key, "prod");
    EXPECT_FALSE(small.refusal);
    EXPECT_EQ(small.requests->remaining, 8) << "what was refused took nothing";
}

void nests_in_the_organization(BackendKind kind) {
    LimitsWorld world;
    world.organization().limits = {entry({{LimitKind::rpd, 3}})};
    Project& search = world.project("search");
    Project& mail = world.project("mail");
    search.limits = {entry({{LimitKind::rpd, 2}})};
    world.open();
    const auto limits = make_backend(kind, world);

    const Decision first = limits->admit(world.subject(search), demand());
    const Decision second = limits->admit(world.subject(mail), demand());
    const Decision third = limits->admit(world.subject(mail), demand());
    const Decision fourth = limits->admit(world.subject(mail), demand());

    EXPECT_EQ(first.requests->limit, 2) << "the tightest: 1 of 2, not 2 of 3";
    EXPECT_EQ(second.requests->limit, 3);
    EXPECT_EQ(second.requests->remaining, 1);
    EXPECT_FALSE(third.refusal);
    expect_refused_by(fourth, Kind::limit, "o/*/rpd");
}

void applies_entries_by_model(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpd, 1}}, EnforceMode::enforce, {"o4*"}),
                     entry({{LimitKind::rpd, 5}}, EnforceMode::enforce, {"gpt-5*", "o4*"})};
    world.open();
    const auto limits = make_backend(kind, world);
    Demand other = demand();
    other.model = "o4-mini";

    const Decision first = limits->admit(world.subject(search), other);
    const Decision second = limits->admit(world.subject(search), other);
    const Decision third = limits->admit(world.subject(search), demand());

    ASSERT_FALSE(first.refusal);
    EXPECT_EQ(first.requests->limit, 1);
    expect_refused_by(second, Kind::limit, "p/search/o4*/rpd");
    ASSERT_FALSE(third.refusal);
    EXPECT_EQ(third.requests->limit, 5);
    EXPECT_EQ(third.requests->remaining, 3);
}

void names_the_longest_wait(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpm, 1}, {LimitKind::rpd, 1}})};
    world.open();
    const auto limits = make_backend(kind, world);
    ASSERT_FALSE(limits->admit(world.subject(search), demand()).refusal);

    const Decision decision = limits->admit(world.subject(search), demand());

    expect_refused_by(decision, Kind::limit, "p/search/*/rpd");
}

void counts_in_shadow(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {entry({{LimitKind::rpd, 1}, {LimitKind::tpd, 10}}, EnforceMode::shadow)};
    world.open();
    const auto limits = make_backend(kind, world);
    const auto bit = [](LimitKind limit) { return 1U << static_cast<unsigned>(limit); };

    const Decision first = limits->admit(world.subject(search), demand({}, 5));
    const Decision second = limits->admit(world.subject(search), demand({}, 5));
    const Decision third = limits->admit(world.subject(search), demand({}, 11));

    EXPECT_EQ(first.shadow_kinds, 0U);
    EXPECT_FALSE(first.requests) << "nothing that is only counted has headroom";
    EXPECT_FALSE(second.refusal);
    EXPECT_EQ(second.shadow_kinds, bit(LimitKind::rpd));
    EXPECT_FALSE(third.refusal);
    EXPECT_EQ(third.shadow_kinds, bit(LimitKind::rpd) | bit(LimitKind::tpd));
}

void gives_back_what_was_withdrawn(BackendKind kind) {
    LimitsWorld world;
    Project& search = world.project("search");
    search.limits = {
        entry({{LimitKind::rpd, 1}, {LimitKind::tpd, 100}, {LimitKind::concurrent, 1}})};
    search.budget = budget(usd(1));
    world.open();
    const auto limits = make_backend(kind, world);
    const Subject subject = world.subject(search);
    const Demand held = demand(usd(1), 100);
    ASSERT_FALSE(limits->admit(subject, held).refusal);

    limits->settle(subject, {.held = held, .is_withdrawn = true});
    const Decision again = limits->admit(subject, held);

    EXPECT_FALSE(again.refusal);
    EXPECT_EQ(again.requests->remaining, 0);
    EXPECT_EQ(again.budget_used, 1.0);
}

constexpr LimitsScenario kScenarios[] = {
    {"CountsRequests", counts_requests},
    {"RefusesWhatNeverFits", refuses_what_never_fits},
    {"CorrectsTokens", corrects_tokens},
    {"NeverCorrectsBelowNothing", never_corrects_below_nothing},
    {"BoundsWhatRunsAtATime", bounds_what_runs_at_a_time},
    {"CountsImages", counts_images},
    {"TakesAllOrNone", takes_all_or_none},
    {"NestsInTheOrganization", nests_in_the_organization, true},
    {"AppliesEntriesByModel", applies_entries_by_model},
    {"NamesTheLongestWait", names_the_longest_wait},
    {"CountsInShadow", counts_in_shadow},
    {"GivesBackWhatWasWithdrawn", gives_back_what_was_withdrawn},
};

}  // namespace

std::span<const LimitsScenario> bucket_scenarios() {
    return kScenarios;
}

}  // namespace headgate::policy::testing
