#include "proxy/admin/admin_routes.h"

#include "proxy/admin/admin_key.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kKey = "hga-0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBearer = "Bearer hga-0123456789abcdefghijklmnopqrstuvwxyz";
constexpr providers::SteadyTime kNow{1000s};

/// An admin listener's world, whose answers a test may change.
class World {
public:
    World() { keys.push_back({.name = "ops", .digest = hasher_.digest(kKey)}); }

    AdminAnswer ask(const AdminRequest& request) {
        auto reply = route(request, sources(), hasher_);
        EXPECT_TRUE(std::holds_alternative<AdminAnswer>(reply)) << request.target;
        const auto* answer = std::get_if<AdminAnswer>(&reply);
        return answer != nullptr ? *answer : AdminAnswer{};
    }
    AdminAnswer ask(std::string_view target, std::string_view authorization = kBearer) {
        return ask({.method = "GET", .target = target, .authorization = authorization});
    }
    bool asks_for_reload(const AdminRequest& request) {
        return std::holds_alternative<ReloadAsked>(route(request, sources(), hasher_));
    }

    std::vector<policy::AdminKey> keys;
    Readiness readiness{.reasons = {}, .warnings = {}, .generation = 7};
    std::vector<policy::TargetHealth::Report> targets;
    std::vector<policy::Question> questions;
    std::expected<policy::Explanation, providers::ApiError> explanation;
    std::vector<std::pair<std::string, std::string>> audited;
    std::string logged;
    bool logs_errors = false;
    std::vector<ProjectReport> projects;
    std::optional<BudgetState> budget;
    std::vector<LimitReport> limits;
    std::vector<policy::LedgerQuery> queries;
    policy::Stored<policy::LedgerPage> page;

private:
    AdminSources sources() {
        return {
            .metrics = [] { return std::string{"headgate_up 1\n"}; },
            .readiness = [this] { return readiness; },
            .admin_keys = [this] { return keys; },
            .targets = [this](providers::SteadyTime) { return targets; },
            .explain =
                [this](const policy::Question& question) {
                    questions.push_back(question);
                    return explanation;
                },
            .policy_json = [] { return std::string{R"({"listen":"127.0.0.1:8080"})"}; },
            .projects = [this] { return projects; },
            .budget = [this](std::string_view id) -> std::optional<std::optional<BudgetState>> {
                if (id != "search") {
                    return std::nullopt;
                }
                return budget;
            },
            .limits = [this](std::string_view id) -> std::optional<std::vector<LimitReport>> {
                if (id != "search") {
                    return std::nullopt;
                }
                return limits;
            },
            .ledger =
                [this](const policy::LedgerQuery& query) {
                    queries.push_back(query);
                    return page;
                },
            .ledger_row = [](std::string_view id) -> policy::Stored<std::optional<std::string>> {
                return id == "req_1" ? std::optional{std::string{R"({"id":"req_1"})"}}
                                     : std::nullopt;
            },
            .audit = [this](std::string_view actor,
                            std::string_view action) { audited.emplace_back(actor, action); },
            .reload = [](auto) { FAIL() << "routing begins no reload"; },
            .log_error =
                [this](std::string_view line) {
                    logged += line;
                    EXPECT_TRUE(logs_errors) << line;
                }};
    }

    policy::KeyHasher hasher_;
};

TEST(AdminRoutes, TellHealthReadinessAndMetricsWithoutAKey) {
    World world;

    const AdminAnswer health = world.ask("/healthz", "");
    const AdminAnswer readiness = world.ask("/readyz?verbose", "");
    const AdminAnswer metrics = world.ask("/metrics", "");

    EXPECT_EQ(health.status, 200);
    EXPECT_EQ(readiness.status, 200);
    EXPECT_EQ(readiness.body, R"({"ready":true,"warnings":[],"reasons":[],"generation":7})");
    EXPECT_EQ(metrics.body, "headgate_up 1\n");
    EXPECT_EQ(metrics.content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST(AdminRoutes, AreNotReadyWhereThereIsAReason) {
    World world;
    world.readiness = {
        .reasons = {"draining"}, .warnings = {"a \"store\" is away"}, .generation = 2};

    const AdminAnswer answer = world.ask("/readyz", "");

    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.body,
              R"({"ready":false,"warnings":["a \"store\" is away"],"reasons":["draining"],)"
              R"("generation":2})");
}

TEST(AdminRoutes, RefuseWhateverIsNoAdminKeyAndDoNotTellWhatExists) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "missing_api_key"},
        {"Basic aGdhLTAxMjM=", "missing_api_key"},
        {"Bearer ", "missing_api_key"},
        {std::string{kKey}, "missing_api_key"},
        {"Bearer hg-test-0123456789abcdefghijklmnopqrstuvwxyz", "invalid_api_key"},
        {std::string{kBearer} + "x", "invalid_api_key"},
        {std::string{kBearer} + ", " + std::string{kBearer}, "invalid_api_key"},
    };
    for (const auto& [authorization, code] : cases) {
        for (const char* path : {"/headgate/v1/targets", "/headgate/v1/nothing", "/", ""}) {
            World world;

            const AdminAnswer answer = world.ask(path, authorization);

            EXPECT_EQ(answer.status, 401) << authorization;
            EXPECT_NE(answer.body.find("\"" + code + "\""), std::string::npos) << answer.body;
            EXPECT_TRUE(answer.is_wrong_key);
            EXPECT_EQ(answer.body.find(kKey), std::string::npos);
        }
    }
}

TEST(AdminRoutes, TakeAnyOfThePolicysKeysInAnyCaseOfTheScheme) {
    World world;
    policy::KeyHasher hasher;
    world.keys.push_back({.name = "second", .digest = hasher.digest("another")});

    EXPECT_EQ(world.ask("/headgate/v1/policy").status, 200);
    EXPECT_EQ(world.ask("/headgate/v1/policy", "BEARER  another").status, 200);
}

TEST(AdminRoutes, FollowTheKeysOfTheActivePolicy) {
    World world;

    const int before = world.ask("/headgate/v1/policy").status;
    world.keys.clear();
    const AdminAnswer after = world.ask("/headgate/v1/policy");

    EXPECT_EQ(before, 200);
    EXPECT_EQ(after.status, 401);
    EXPECT_NE(after.body.find("the policy has none"), std::string::npos);
    EXPECT_EQ(world.ask("/metrics", "").status, 200);
}

TEST(AdminRoutes, KnowAWrongPathAndAWrongMethod) {
    World world;

    const AdminAnswer path = world.ask("/headgate/v1/nothing");
    const AdminAnswer get =
        world.ask({.method = "POST", .target = "/headgate/v1/targets", .authorization = kBearer});
    const AdminAnswer post = world.ask("/headgate/v1/reload");
    const AdminAnswer open = world.ask({.method = "DELETE", .target = "/metrics"});

    EXPECT_EQ(path.status, 404);
    EXPECT_NE(path.body.find(R"("code":"unknown_url")"), std::string::npos);
    EXPECT_EQ(get.status, 405);
    EXPECT_EQ(get.allow, "GET");
    EXPECT_EQ(post.status, 405);
    EXPECT_EQ(post.allow, "POST");
    EXPECT_EQ(open.status, 405);
}

TEST(AdminRoutes, RefuseParametersThatNobodyReads) {
    World world;

    EXPECT_EQ(world.ask("/headgate/v1/targets?").status, 200);
    EXPECT_EQ(world.ask("/headgate/v1/targets?provider=openai").status, 400);
}

TEST(AdminRoutes, ShowThePolicy) {
    World world;

    const AdminAnswer answer = world.ask("/headgate/v1/policy");

    EXPECT_EQ(answer.content_type, "application/json");
    EXPECT_EQ(answer.body, R"({"listen":"127.0.0.1:8080"})");
}

TEST(AdminRoutes, ExplainAlsoWhatWouldBeRefused) {
    World world;
    policy::Explanation refused;
    refused.status = 404;
    refused.code = "model_not_found";
    world.explanation = refused;

    const AdminAnswer answer =
        world.ask("/headgate/v1/explain?project=web&model=gpt-5&header=X-Tier%3Agold");

    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, policy::to_json(refused));
    ASSERT_EQ(world.questions.size(), 1u);
    EXPECT_EQ(world.questions[0].project, "web");
    EXPECT_EQ(world.questions[0].model, "gpt-5");
    ASSERT_EQ(world.questions[0].headers.size(), 1u);
    EXPECT_EQ(world.questions[0].headers[0], std::pair(std::string{"x-tier"}, std::string{"gold"}));
}

TEST(AdminRoutes, ExplainNothingThatThePolicyCannotAnswer) {
    World world;
    world.explanation =
        std::unexpected{providers::ApiError{.code = providers::ErrorCode::invalid_request,
                                            .message = "There is no project \"web\".",
                                            .param = "project",
                                            .allow = {}}};

    const AdminAnswer answer = world.ask("/headgate/v1/explain?project=web&model=gpt-5");
    const AdminAnswer unasked = world.ask("/headgate/v1/explain?project=web");

    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.body.find(R"("param":"project")"), std::string::npos);
    EXPECT_EQ(unasked.status, 400);
    EXPECT_NE(unasked.body.find(R"("param":"model")"), std::string::npos);
    EXPECT_EQ(world.questions.size(), 1u);
}

TEST(AdminRoutes, AskForAReloadWithoutABody) {
    World world;
    AdminRequest request{
        .method = "POST", .target = "/headgate/v1/reload", .authorization = kBearer};

    const bool is_asked = world.asks_for_reload(request);
    request.authorization = "";
    const AdminAnswer no_key = world.ask(request);
    request.authorization = kBearer;
    request.has_body = true;
    const AdminAnswer with_body = world.ask(request);

    EXPECT_TRUE(is_asked);
    EXPECT_EQ(no_key.status, 401);
    EXPECT_EQ(with_body.status, 400);
}

TEST(AdminRoutes, TellWhatCameOfAReload) {
    const AdminAnswer loaded =
        answer_from(ReloadOutcome{.is_loaded = true, .generation = 8, .problems = {}});
    const AdminAnswer refused =
        answer_from(ReloadOutcome{.is_loaded = false,
                                  .generation = 7,
                                  .problems = {{.severity = policy::Problem::Severity::error,
                                                .file = "policy.yaml",
                                                .line = 3,
                                                .column = 5,
                                                .message = "`routs` is no setting",
                                                .hint = "did you mean `routes`?",
                                                .source = "routs: ${SECRET}"},
                                               {.severity = policy::Problem::Severity::warning,
                                                .file = "policy.yaml",
                                                .line = 0,
                                                .column = 0,
                                                .message = "no \"keys\"",
                                                .hint = "",
                                                .source = ""}}});

    EXPECT_EQ(loaded.status, 200);
    EXPECT_EQ(loaded.body, R"({"generation":8})");
    EXPECT_EQ(refused.status, 422);
    EXPECT_EQ(refused.body,
              R"({"error":{"message":"The policy has problems and was not loaded; the active one )"
              R"(stays.","type":"invalid_request_error","param":null,"code":"invalid_policy"},)"
              R"("problems":[{"file":"policy.yaml","line":3,"column":5,"severity":"error",)"
              R"("message":"`routs` is no setting","hint":"did you mean `routes`?"},)"
              R"({"file":"policy.yaml","line":0,"column":0,"severity":"warning",)"
              R"("message":"no \"keys\"","hint":null}]})");
}

TEST(WrongKeyDelays, GrowToFiftyMillisecondsAnAddressAndForgetEveryMinute) {
    WrongKeyDelays delays;

    const auto first = delays.next("192.0.2.1", kNow);
    for (int i = 0; i < 100; ++i) {
        delays.next("192.0.2.1", kNow);
    }

    EXPECT_EQ(first, 1ms);
    EXPECT_EQ(delays.next("192.0.2.1", kNow), 50ms);
    EXPECT_EQ(delays.next("192.0.2.2", kNow), 1ms);
    EXPECT_EQ(delays.next("192.0.2.1", kNow + 1min), 1ms);
}

TEST(AdminRoutes, TellProjectsWithTheirLimitsBudgetAndKeys) {
    World world;
    policy::LimitEntry entry;
    entry.models = {"gpt-5*"};
    entry.amounts[static_cast<std::size_t>(policy::LimitKind::rpm)] = 600;
    policy::BudgetSettings settings;
    settings.limit = providers::Money::nanos(2'500'000'000);
    const auto used = policy::Day{std::chrono::year{2026} / 11 / 25} + std::chrono::seconds{61};
    world.projects = {{.id = "search",
                       .models = {},
                       .limits = {entry},
                       .budget = settings,
                       .keys = {{"prod", "hg-Ab12", used}, {"old", "", std::nullopt}}}};

    const AdminAnswer answer = world.ask("/headgate/v1/projects");

    EXPECT_EQ(answer.body,
              R"({"data":[{"id":"search","models":["*"],"limits":[{"model":"gpt-5*","rpm":600,)"
              R"("mode":"enforce"}],"budget":{"usd":"2.5","per":"month","mode":"enforce"},)"
              R"("keys":[{"name":"prod","prefix":"hg-Ab12","last_used_at":)"
              R"("2026-11-25T00:01:01Z"},{"name":"old","prefix":null,"last_used_at":null}]}]})");
}

TEST(AdminRoutes, TellABudgetInDecimals) {
    World world;
    policy::BudgetSettings settings;
    settings.limit = providers::Money::nanos(10'000'000'000);
    world.budget = BudgetState{settings,
                               {policy::Day{std::chrono::year{2026} / 11 / 1},
                                policy::Day{std::chrono::year{2026} / 12 / 1}},
                               providers::Money::nanos(1),
                               providers::Money::nanos(2'000'000'000)};

    const AdminAnswer answer = world.ask("/headgate/v1/projects/search/budget");

    EXPECT_EQ(answer.body,
              R"({"project":"search","period":"month","starts_at":"2026-11-01T00:00:00Z",)"
              R"("ends_at":"2026-12-01T00:00:00Z","limit_usd":"10","spent_usd":"0.000000001",)"
              R"("reserved_usd":"2","remaining_usd":"7.999999999"})");
}

TEST(AdminRoutes, TellWhatIsLeftOfLimits) {
    World world;
    world.limits = {{.scope = policy::Scope::organization,
                     .model = "*",
                     .kind = policy::LimitKind::tpm,
                     .limit = 1000,
                     .remaining = 7,
                     .resets_in = std::chrono::milliseconds{59'580}}};

    const AdminAnswer answer = world.ask("/headgate/v1/projects/search/limits");

    EXPECT_EQ(answer.body,
              R"({"data":[{"scope":"organization","model":"*","kind":"tpm","limit":1000,)"
              R"("remaining":7,"resets_in_ms":59580}]})");
}

TEST(AdminRoutes, KnowNoOtherProject) {
    for (const char* path :
         {"/headgate/v1/projects/nobody/budget", "/headgate/v1/projects/nobody/limits",
          "/headgate/v1/projects/se%61rch%2F/limits"}) {
        World world;

        EXPECT_EQ(world.ask(path).status, 404) << path;
    }
}

TEST(AdminRoutes, PageThroughTheLedger) {
    World world;
    world.page = policy::LedgerPage{{R"({"id":"req_1"})", R"({"id":"req_2"})"}, "req_2"};

    const AdminAnswer answer = world.ask(
        "/headgate/v1/ledger?project=search&after=req_0&limit=2&from=2026-11-25&to="
        "2026-11-25T12%3A00%3A00.5%2B02%3A00");

    ASSERT_EQ(world.queries.size(), 1U);
    const policy::LedgerQuery& query = world.queries[0];
    const policy::Day day{std::chrono::year{2026} / 11 / 25};
    EXPECT_EQ(answer.body, R"({"data":[{"id":"req_1"},{"id":"req_2"}],"next":"req_2"})");
    EXPECT_EQ(query.project, "search");
    EXPECT_EQ(query.after, "req_0");
    EXPECT_EQ(query.limit, 2U);
    EXPECT_EQ(query.from, day);
    EXPECT_EQ(query.to, day + std::chrono::hours{10} + std::chrono::milliseconds{500});
}

TEST(AdminRoutes, RefuseAFaultyQueryOfTheLedgerByName) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"limit=0", "limit"},     {"limit=1001", "limit"},    {"limit=1e3", "limit"},
        {"limit=-1", "limit"},    {"from=yesterday", "from"}, {"to=2026-02-30", "to"},
        {"after=%27--", "after"}, {"sort=cost", "sort"},      {"limit=1&limit=2", "limit"},
    };
    for (const auto& [query, param] : cases) {
        World world;

        const AdminAnswer answer = world.ask("/headgate/v1/ledger?" + query);

        EXPECT_EQ(answer.status, 400) << query;
        EXPECT_NE(answer.body.find(R"("param":")" + param + '"'), std::string::npos) << answer.body;
        EXPECT_TRUE(world.queries.empty());
    }
}

TEST(AdminRoutes, TellARowByItsId) {
    World world;

    const AdminAnswer known = world.ask("/headgate/v1/ledger/req_1");
    const AdminAnswer unknown = world.ask("/headgate/v1/ledger/req_2");

    EXPECT_EQ(known.body, R"({"id":"req_1"})");
    EXPECT_EQ(unknown.status, 404);
}

TEST(AdminRoutes, SayThatTheRecordsAreAway) {
    World world;
    world.logs_errors = true;
    world.page = std::unexpected{
        policy::StoreError{policy::StoreError::Kind::away, "connection to db.internal refused"}};

    const AdminAnswer answer = world.ask("/headgate/v1/ledger");

    EXPECT_EQ(answer.status, 503);
    EXPECT_NE(answer.body.find("records_unavailable"), std::string::npos);
    EXPECT_EQ(answer.body.find("db.internal"), std::string::npos);
    EXPECT_NE(world.logged.find("db.internal"), std::string::npos);
}

TEST(AdminRoutes, WriteDownWhoAsksForAReload) {
    World world;

    EXPECT_TRUE(world.asks_for_reload(
        {.method = "POST", .target = "/headgate/v1/reload", .authorization = kBearer}));

    const std::vector<std::pair<std::string, std::string>> expected{{"ops", "reload"}};
    EXPECT_EQ(world.audited, expected);
}

}  // namespace
}  // namespace headgate::proxy
