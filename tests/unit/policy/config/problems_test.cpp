#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

struct Case {
    std::string policy;
    std::string problem;  // "LINE:COLUMN: …" as told() has it
};

void expect_problems(const std::vector<Case>& cases, bool needs_secrets = true) {
    for (const Case& each : cases) {
        const LoadResult result = load_text(each.policy, options_with({}, needs_secrets));

        EXPECT_EQ(told(result), each.problem + "\n") << each.policy;
        EXPECT_EQ(result.snapshot == nullptr, each.problem.contains(": error: "));
    }
}

/// A policy whose line 3 is `line` of the provider "p", after `kind`.
std::string provider(std::string_view kind, std::string_view line) {
    return "providers:\n  p: {kind: " + std::string(kind) + ",\n" + std::string(line) + "}\n" +
           std::string(kProjects);
}

/// A policy whose line 5 is `line` of the project "a".
std::string project(std::string_view line) {
    return std::string(kProviders) +
           "projects:\n  a: {keys: [{name: k, sha256: "
           "9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e}],\n" +
           std::string(line) + "}\n";
}

TEST(PolicyProblems, NameWhatIsUnknownWithTheNearestName) {
    expect_problems({
        {with_basics("worker: 2\n"),
         "6:1: error: \"worker\" is not a setting that Headgate knows (did you mean `workers`?)"},
        {with_basics("log: {levle: info}\n"),
         "6:7: error: \"log.levle\" is not a setting that Headgate knows (did you mean `level`?)"},
        {with_basics("zzz: 1\n"), "6:1: error: \"zzz\" is not a setting that Headgate knows"},
        {with_basics("log: {level: wran}\n"),
         "6:14: error: \"log.level\" must be one of trace, debug, info, warn, error (did you mean "
         "`warn`?)"},
        {with_basics("<<: {workers: 1}\n"),
         "6:1: error: \"<<\" is a merge key, which YAML 1.2 does not have; write the settings out"},
    });
}

TEST(PolicyProblems, RefuseWhatStandsTwice) {
    expect_problems({
        {with_basics("workers: 2\nworkers: 3\n"),
         "7:1: error: \"workers\" stands twice; the first is in line 6"},
        {std::string(kProviders) + "  openai: {kind: simulator}\n" + std::string(kProjects),
         "3:3: error: \"providers.openai\" stands twice; the first is in line 2"},
        {with_basics("providers: {}\n"),
         "6:1: error: \"providers\" stands twice; the first is in line 1"},
        {with_basics("listen: [127.0.0.1:80, 127.0.0.1:80]\n"),
         "6:24: error: \"listen[1]\" is listed twice"},
        {with_basics("listen: 127.0.0.1:80\nadmin: {listen: 127.0.0.1:80}\n"),
         "7:17: error: \"admin.listen\" must not be an address of `listen`"},
    });
}

TEST(PolicyProblems, RefuseWhatIsDocumentedButNotBuiltYet) {
    for (const std::string_view name : {"tls", "tracing"}) {
        const std::string setting{name};

        const LoadResult result = load_text(with_basics(setting + ": []\n"));

        EXPECT_EQ(told(result), "6:1: error: \"" + setting + "\" is not supported yet\n");
    }
    for (const std::string_view name : {"prompt_cache", "unsupported"}) {
        const std::string setting{name};

        const LoadResult result = load_text(provider("openai, api_key: x", setting + ": 1"));

        EXPECT_EQ(told(result),
                  "3:1: error: \"providers.p." + setting + "\" is not supported yet\n");
    }
    expect_problems({
        {project("cache_group: 1"), "5:1: error: \"projects.a.cache_group\" is not supported yet"},
        {with_basics("state: {cache: {memory: 1MiB}}\n"),
         "6:9: error: \"state.cache\" is not supported yet"},
    });
}

TEST(PolicyProblems, RefuseValuesThatAreNotBuiltYet) {
    expect_problems({
        {with_basics("log: {bodies: hash}\n"),
         "6:15: error: \"log.bodies: hash\" is not supported yet"},
        {provider("anthropic", "enabled: true"),
         "2:13: error: \"providers.p.kind: anthropic\" is not supported yet (supported kinds are "
         "openai, azure, openai-compatible and simulator)"},
        {provider("simulator", "wire: anthropic"),
         "3:7: error: \"providers.p.wire: anthropic\" is not supported yet (supported wires are "
         "openai and azure)"},
        {with_basics("routes: {name: r, model: a, targets: {provider: openai}, cache: {}}\n"),
         "6:58: error: \"routes.cache\" is not supported yet"},
        {project("keys2: 1"),
         "5:1: error: \"projects.a.keys2\" is not a setting that Headgate knows (did you mean "
         "`keys`?)"},
    });
}

TEST(PolicyProblems, RefuseWrongTypesAndMissingValues) {
    expect_problems({
        {with_basics("workers:\n"), "6:1: error: \"workers\" has no value"},
        {with_basics("workers: [1]\n"), "6:10: error: \"workers\" must be a single value"},
        {with_basics("workers: yes\n"),
         "6:10: error: \"workers\" must be `auto` or a whole number from 1 to 1024"},
        {with_basics("drain_delay: 5\n"),
         "6:14: error: \"drain_delay\" must be a duration such as 200ms, 30s, 10m, 1h or 1d"},
        {with_basics("protect: 5\n"),
         "6:10: error: \"protect\" must be a map of settings (`name: value`)"},
        {with_basics("protect: {header_timeout: 0s}\n"),
         "6:27: error: \"protect.header_timeout\" must be longer than 0, such as 10s"},
        {with_basics("protect: {trusted_proxies: 10.0.0.1}\n"),
         "6:28: error: \"protect.trusted_proxies\" must be a CIDR such as 10.0.0.0/8 or "
         "2001:db8::/32"},
        {with_basics("listen: []\n"),
         "6:9: error: \"listen\" must hold at least one address such as 127.0.0.1:8080"},
        {provider("openai, api_key: x", "enabled: on"),
         "3:10: error: \"providers.p.enabled\" must be true or false"},
        {project("models: []"),
         "5:9: error: \"projects.a.models\" is an empty list; leave the setting out to allow all"},
        {project("models: [gpt 5]"),
         "5:10: error: \"projects.a.models[0]\" must be a model's name or a pattern such as "
         "gpt-5*"},
    });
}

TEST(PolicyProblems, RefuseProvidersThatCannotWork) {
    expect_problems({
        {"providers: {p: {enabled: true}}\n" + std::string(kProjects),
         "1:16: error: \"providers.p.kind\" is missing; write for example `kind: openai`"},
        {provider("opneai", "enabled: true"),
         "2:13: error: \"providers.p.kind\" must be one of openai, azure, openai-compatible, "
         "simulator, anthropic, gemini, groq, mistral, together, fireworks, deepseek, xai, "
         "openrouter, "
         "cohere, ollama, lmstudio, vllm (did you mean `openai`?)"},
        {provider("openai", "enabled: true"),
         "2:6: error: \"providers.p.api_key\" is missing; write for example `api_key: "
         "${OPENAI_API_KEY}`"},
        {provider("openai", "api_key: ''"), "3:10: error: \"providers.p.api_key\" is empty"},
        {provider("openai", "api_key: 'a b'"),
         "3:10: error: \"providers.p.api_key\" must be printable ASCII without blanks, at most "
         "4096 "
         "bytes long: it goes into a header"},
        {provider("openai-compatible", "enabled: true"),
         "2:6: error: \"providers.p.base_url\" is missing; write for example `base_url: "
         "http://127.0.0.1:11434/v1`"},
        {provider("openai-compatible", "base_url: https://u:p@x/"),
         "3:11: error: \"providers.p.base_url\" must not hold a user name or password; use "
         "`api_key`"},
        {provider("openai-compatible", "base_url: http://10.0.0.1/, allow_private: false"),
         "3:44: warning: \"providers.p.allow_private\" is false, but `base_url` names a private or "
         "loopback address: this provider can never be reached"},
        {provider("simulator", "base_url: http://x/"),
         "3:11: error: \"providers.p.base_url\" does not belong to `kind: simulator`"},
        {provider("openai, api_key: x", "tokens: 5"),
         "3:9: error: \"providers.p.tokens\" belongs to `kind: simulator` only"},
    });
}

TEST(PolicyProblems, RefuseFaultsThatMeanNothing) {
    expect_problems({
        {provider("simulator", "fail: {rate: 0.1}"),
         "3:7: error: \"providers.p.fail\" must have exactly one of `status`, `delay` and "
         "`cut_after`"},
        {provider("simulator", "fail: [{status: 429, delay: 1s}]"),
         "3:8: error: \"providers.p.fail[0]\" must have exactly one of `status`, `delay` and "
         "`cut_after`"},
        {provider("simulator", "fail: [{delay: 1s, retry_after: 1s}]"),
         "3:8: error: \"providers.p.fail[0]\" has a `retry_after`, which goes with a `status` "
         "only"},
        {provider("simulator", "fail: [{status: 200}]"),
         "3:17: error: \"providers.p.fail[0].status\" must be a whole number from 400 to 599"},
        {provider("simulator", "fail: [{status: 500, rate: 10%}]"),
         "3:28: error: \"providers.p.fail[0].rate\" must be a number from 0 to 1 such as 0.1"},
    });
}

TEST(PolicyProblems, AreAllToldAtOnceInTheOrderOfTheFile) {
    const LoadResult result = load_text(
        "workers: many\n"
        "projects:\n"
        "  a: {models: [], endpoints: [chatt]}\n"
        "providers:\n"
        "  b: {kind: openai-compatible, base_url: x}\n"
        "log: {level: loud}\n");

    std::vector<int> lines;
    for (const Problem& problem : result.problems) {
        lines.push_back(problem.line);
        EXPECT_FALSE(problem.source.empty());
    }
    EXPECT_EQ(lines, (std::vector<int>{1, 3, 3, 3, 5, 6}));
    EXPECT_EQ(result.problems[0].source, "workers: many");
}

TEST(PolicyProblems, TellOfAHalfFile) {
    const std::string whole = with_basics("log: {level: info}\n");
    const std::string no_project = std::string(kProviders);

    expect_problems({
        {"", "0:0: error: the file is empty; a policy needs `providers` and `projects`"},
        {no_project,
         "0:0: error: the policy has no project; it needs at least one under `projects`"},
        {std::string(kProjects),
         "0:0: error: the policy has no provider; it needs at least one under `providers`"},
        {no_project + "projects:\n", "3:1: error: \"projects\" has no value"},
        {no_project + "projects",
         "4:1: error: this is not valid YAML: could not find expected ':' while scanning a simple "
         "key that begins in line 3 (is the file cut off here?)"},
        {no_project + "projects: {}\n",
         "3:11: error: the policy has no project; it needs at least one under `projects`"},
        {no_project + "projects:\n  search:\n", "4:3: error: \"projects.search\" has no value"},
        {"just text\n", "1:1: error: a policy is a map of settings (`name: value`)"},
    });
    for (std::size_t length = 0; length < no_project.size() + 20; ++length) {
        EXPECT_EQ(load_text(whole.substr(0, length)).snapshot, nullptr) << length;
    }
}

TEST(PolicyProblems, HintAtWhatIsWrongWithTheYaml) {
    expect_problems({
        {"providers:\n  p: {kind: openai, api_key: ${KEY}}\nprojects: {}\n",
         "2:31: error: this is not valid YAML: did not find expected ',' or '}' while parsing a "
         "flow "
         "mapping that begins in line 2 (a reference inside { } or [ ] needs quotes: \"${NAME}\")"},
        {with_basics("log: {level: info\n"),
         "7:1: error: this is not valid YAML: did not find expected ',' or '}' while parsing a "
         "flow "
         "mapping that begins in line 6 (is the file cut off here?)"},
    });
}

TEST(PolicyProblems, AreCountedBeyondAThousand) {
    std::string many;
    for (int i = 0; i < 1500; ++i) {
        many += "zz" + std::to_string(i) + ": 1\n";
    }

    const LoadResult result = load_text(with_basics(many));

    ASSERT_EQ(result.problems.size(), 1001U);
    EXPECT_EQ(result.problems.back().message, "500 more problems are not shown");
}

}  // namespace
}  // namespace headgate::policy
