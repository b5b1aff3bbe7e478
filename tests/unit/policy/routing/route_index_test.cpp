#include "policy/routing/globs.h"
#include "policy/routing/router.h"
#include "tests/unit/policy/routing/policy_in_code.h"

namespace headgate::policy {
namespace {

constexpr std::string_view kModels[] = {"gpt-5",   "gpt-5-mini", "gpt-5-nano", "gpt-4o",
                                        "o4-mini", "o4",         "llama3.1",   "g"};
constexpr std::string_view kGlobs[] = {"*",       "gpt-5",  "gpt-5*", "gpt-*", "o4*",
                                       "o4-mini", "*-mini", "gpt-?*", "g?t*",  "l*1",
                                       "none",    "**",     "gpt-5**"};
constexpr std::string_view kFamilies[] = {"chat", "embeddings", "responses"};
constexpr std::string_view kPaths[] = {"/v1/chat/completions", "/v1/embeddings", "/v1/responses"};
constexpr std::string_view kValues[] = {"bulk", "gold", "", "b"};

/// Policies and requests drawn from a seed, dense enough that many routes nearly match.
class Draws {
public:
    explicit Draws(std::uint64_t seed) : random_{seed} {}

    std::size_t below(std::size_t end) { return random_.next() % end; }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <class T, std::size_t N>
    const T& one_of(const T (&all)[N]) {
        return all[below(N)];
    }

    Comparison comparison(double most) {
        return {.is = static_cast<Comparison::Is>(below(5)),
                .value = static_cast<double>(below(5)) * most / 4,
                .text = {}};
    }

    Conditions conditions(const Snapshot& snapshot) {
        Conditions when;
        while (one_in(3)) {
            when.projects.push_back(snapshot.projects[below(snapshot.projects.size())].get());
        }
        while (one_in(4)) {
            when.endpoints.emplace_back(one_of(kFamilies));
        }
        if (one_in(4)) {
            when.stream = one_in(2);
        }
        while (one_in(6)) {
            when.headers.push_back(
                {.name = one_in(2) ? "x-a" : "x-b", .glob = one_in(2) ? "b*" : "gold"});
        }
        if (one_in(6)) {
            when.budget_used = comparison(1);
        }
        if (one_in(6)) {
            when.input_tokens = comparison(1'000);
        }
        return when;
    }

    void routes(PolicyInCode& policy, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            Route& route = policy.route(std::to_string(i), {std::string(one_of(kGlobs))});
            while (one_in(2)) {
                route.models.emplace_back(one_of(kGlobs));
            }
            route.when = conditions(policy.snapshot());
        }
    }

    Facts facts(PolicyInCode& policy) {
        Facts facts = policy.facts(one_of(kModels), one_of(kPaths));
        const auto& projects = policy.snapshot().projects;
        facts.project = projects[below(projects.size())].get();
        facts.stream = one_in(2);
        facts.budget_used = static_cast<double>(below(5)) / 4;
        facts.input_tokens = static_cast<std::int64_t>(below(5) * 250);
        headers_[0] = {.name = "x-a", .value = one_of(kValues)};
        headers_[1] = {.name = "x-b", .value = one_of(kValues)};
        facts.headers = std::span(headers_).first(below(3));
        return facts;
    }

private:
    Random random_;
    std::array<HeaderFact, 2> headers_;
};

const Route* first_by_reading(const Snapshot& snapshot, const Facts& facts) {
    const auto found = std::ranges::find_if(
        snapshot.routes, [&facts](const auto& route) { return mismatch(*route, facts).empty(); });
    return found == snapshot.routes.end() ? nullptr : found->get();
}

TEST(RouteIndex, FindsTheFirstRouteThatReadingThemOneByOneFinds) {
    int matches = 0;
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Draws draws{seed};
        PolicyInCode policy;
        policy.project("second");
        policy.project("third");
        draws.routes(policy, draws.below(12));
        const RouteIndex index{policy.snapshot()};

        for (int request = 0; request < 5; ++request) {
            const Facts facts = draws.facts(policy);
            const Route* const expected = first_by_reading(policy.snapshot(), facts);

            ASSERT_EQ(index.first_match(facts), expected);
            matches += expected != nullptr ? 1 : 0;
        }
    }
    EXPECT_GT(matches, 3'000);  // else the draws would prove little
    EXPECT_LT(matches, 9'000);
}

TEST(RouteIndex, AgreesAlsoWhereRoutesFillManyWordsAndBlocks) {
    // 64 routes are a word, 4,096 a block.
    for (const std::size_t count : {63U, 64U, 65U, 4'095U, 4'096U, 4'097U, 9'000U}) {
        SCOPED_TRACE(testing::Message() << count << " routes");
        PolicyInCode policy;
        for (std::size_t i = 0; i < count; ++i) {
            policy.route(std::to_string(i), {"m" + std::to_string(i)});
        }
        policy.route("last", {"*"});
        const RouteIndex index{policy.snapshot()};

        for (std::size_t i = 0; i < count; i += 1 + count / 50) {
            const std::string model = "m" + std::to_string(i);
            ASSERT_EQ(index.first_match(policy.facts(model)), policy.snapshot().routes[i].get());
        }
        const std::string newest = "m" + std::to_string(count - 1);
        EXPECT_EQ(index.first_match(policy.facts(newest))->name, std::to_string(count - 1));
        EXPECT_EQ(index.first_match(policy.facts("other"))->name, "last");
    }
}

TEST(RouteIndex, FindsNothingInAPolicyWithoutAMatch) {
    PolicyInCode policy;
    policy.route("one", {"gpt-5*"}).when.stream = true;

    EXPECT_EQ(RouteIndex{policy.snapshot()}.first_match(policy.facts("gpt-5")), nullptr);
}

TEST(RouteIndex, ShowsTheRoutesOfAModelAndProjectInOrderUntilItIsStopped) {
    PolicyInCode policy;
    policy.route("streams", {"gpt-5*"}).when.stream = true;
    policy.route("others").when.projects = {&policy.project("other")};
    policy.route("mini", {"*-mini"});
    policy.route("bulk", {"gpt-5"}).when.headers = {{.name = "x-tier", .glob = "bulk"}};
    policy.route("rest");
    const RouteIndex index{policy.snapshot()};
    std::string seen;

    const Project& project = *policy.snapshot().projects.front();
    index.for_each_taking("gpt-5", project, [&seen](const Route& route) {
        seen += route.name + " ";
        return route.name != "bulk";
    });

    EXPECT_EQ(seen, "streams bulk ");
}

TEST(GlobShape, TellsWhatMayBeLookedUp) {
    using Kind = GlobShape::Kind;
    struct Case {
        std::string_view glob;
        Kind kind;
        std::string_view literal;
    };
    constexpr Case cases[] = {
        {"*", Kind::anything, ""},         {"**", Kind::anything, ""},
        {"gpt-5", Kind::exact, "gpt-5"},   {"", Kind::exact, ""},
        {"gpt-5*", Kind::prefix, "gpt-5"}, {"gpt-5**", Kind::prefix, "gpt-5"},
        {"*-mini", Kind::other, ""},       {"gpt-?", Kind::other, ""},
        {"*?", Kind::other, ""},           {"a*b*", Kind::other, ""},
    };
    for (const Case& c : cases) {
        const GlobShape shape = shape_of(c.glob);

        EXPECT_EQ(shape.kind, c.kind) << c.glob;
        EXPECT_EQ(shape.literal, c.literal) << c.glob;
    }
}

}  // namespace
}  // namespace headgate::policy
