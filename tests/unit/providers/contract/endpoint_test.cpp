#include "providers/contract/endpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::providers {
namespace {

constexpr Method kMethods[] = {Method::get, Method::post, Method::put,     Method::patch,
                               Method::del, Method::head, Method::options, Method::other};

/// `path` with each `{…}` replaced by a value that stands nowhere in the table.
std::pair<std::string, std::string> with_arguments(std::string_view path) {
    std::string filled;
    std::string last;
    int count = 0;
    while (!path.empty()) {
        const std::size_t open = std::min(path.find('{'), path.size());
        filled += path.substr(0, open);
        path.remove_prefix(open);
        if (!path.empty()) {
            last = "value_" + std::to_string(++count);
            filled += last;
            path.remove_prefix(path.find('}') + 1);
        }
    }
    return {filled, last};
}

std::map<std::string_view, std::vector<const Endpoint*>> rows_by_path() {
    std::map<std::string_view, std::vector<const Endpoint*>> rows;
    for (const Endpoint& endpoint : endpoint_table()) {
        rows[endpoint.path].push_back(&endpoint);
    }
    return rows;
}

TEST(EndpointTable, HasEveryRowOfTheDataOnce) {
    std::set<std::pair<Method, std::string_view>> keys;
    for (const Endpoint& endpoint : endpoint_table()) {
        keys.emplace(endpoint.method, endpoint.path);
        EXPECT_TRUE(endpoint.path.starts_with("/v1/")) << endpoint.path;
    }

    EXPECT_EQ(endpoint_table().size(), 384U + 14U);
    EXPECT_EQ(keys.size(), endpoint_table().size());
}

TEST(EndpointTable, LeadsEveryRowToItself) {
    for (const Endpoint& endpoint : endpoint_table()) {
        const auto [path, last_argument] = with_arguments(endpoint.path);

        const Classified found = classify(endpoint.method, path);

        EXPECT_EQ(found.endpoint, &endpoint) << to_string(endpoint.method) << ' ' << path;
        EXPECT_EQ(found.argument, last_argument) << path;
        EXPECT_TRUE(found.allow.empty()) << path;
    }
}

TEST(EndpointTable, TellsTheRightMethodsForAWrongOne) {
    for (const auto& [path, rows] : rows_by_path()) {
        const std::string filled = with_arguments(path).first;
        const bool is_gone = std::ranges::all_of(
            rows, [](const Endpoint* row) { return row->handling == Handling::removed; });
        std::set<std::string_view> words;
        for (const Endpoint* row : rows) {
            words.insert(to_string(row->method));
        }
        std::string allow;
        for (const std::string_view word : words) {
            allow.append(allow.empty() ? "" : ", ").append(word);
        }

        for (const Method method : kMethods) {
            const Classified found = classify(method, filled);
            if (words.contains(to_string(method))) {
                continue;
            }
            if (is_gone) {
                ASSERT_NE(found.endpoint, nullptr) << filled;
                EXPECT_EQ(found.endpoint->path, path);
            } else {
                EXPECT_EQ(found.endpoint, nullptr) << to_string(method) << ' ' << filled;
                EXPECT_EQ(found.allow, allow) << to_string(method) << ' ' << filled;
            }
        }
    }
}

TEST(EndpointTable, RelaysTheSixOperationsThatAreUnderstood) {
    std::map<Operation, std::string> relayed;
    for (const Endpoint& endpoint : endpoint_table()) {
        if (endpoint.handling == Handling::relayed) {
            relayed[endpoint.operation] =
                std::string{to_string(endpoint.method)} + ' ' + std::string{endpoint.path};
            EXPECT_TRUE(endpoint.json_body) << endpoint.path;
        }
    }

    EXPECT_EQ(relayed, (std::map<Operation, std::string>{
                           {Operation::chat_completions, "POST /v1/chat/completions"},
                           {Operation::completions, "POST /v1/completions"},
                           {Operation::embeddings, "POST /v1/embeddings"},
                           {Operation::moderations, "POST /v1/moderations"},
                           {Operation::responses, "POST /v1/responses"},
                           {Operation::image_generations, "POST /v1/images/generations"}}));
}

TEST(EndpointTable, KnowsWhatIsChargedAndWhatMayStream) {
    struct TraitsCase {
        std::string_view path;
        std::string_view family;
        std::string_view meter;
        bool may_stream;
    };
    const TraitsCase cases[] = {
        {"/v1/chat/completions", "chat", "tokens", true},
        {"/v1/completions", "completions", "tokens", true},
        {"/v1/embeddings", "embeddings", "input_tokens", false},
        {"/v1/moderations", "moderations", "", false},
        {"/v1/responses", "responses", "tokens", true},
        {"/v1/images/generations", "images", "image_tokens_or_images", true},
    };

    for (const TraitsCase& test : cases) {
        const Endpoint* const endpoint = classify(Method::post, test.path).endpoint;

        ASSERT_NE(endpoint, nullptr) << test.path;
        EXPECT_EQ(endpoint->family, test.family) << test.path;
        EXPECT_EQ(endpoint->meter, test.meter) << test.path;
        EXPECT_EQ(endpoint->may_stream, test.may_stream) << test.path;
    }
}

TEST(EndpointTable, ListsEachFamilyOnceSorted) {
    const auto families = endpoint_families();

    EXPECT_TRUE(std::ranges::is_sorted(families));
    EXPECT_EQ(std::ranges::adjacent_find(families), families.end());
    for (const Endpoint& endpoint : endpoint_table()) {
        EXPECT_TRUE(endpoint.family.empty() ||
                    std::ranges::binary_search(families, endpoint.family))
            << endpoint.path;
    }
    EXPECT_TRUE(std::ranges::binary_search(families, std::string_view{"chat"}));
    EXPECT_FALSE(std::ranges::binary_search(families, std::string_view{}));
}

TEST(Classify, TellsWhatReplacesARemovedEndpoint) {
    struct RemovedCase {
        Method method;
        std::string_view path;
        std::string_view successor;
        std::string_view sunset;
    };
    const RemovedCase cases[] = {
        {Method::post, "/v1/edits", "/v1/chat/completions", ""},
        {Method::get, "/v1/engines", "/v1/models", ""},
        {Method::post, "/v1/engines/davinci/completions", "/v1/completions", ""},
        {Method::head, "/v1/fine-tunes/ft-1/events",
         "/v1/fine_tuning/jobs/{fine_tuning_job_id}/events", ""},
        {Method::get, "/v1/assistants", "/v1/responses", "2026-08-26"},
        {Method::put, "/v1/threads/t_1/runs/r_1", "/v1/responses", "2026-08-26"},
        {Method::post, "/v1/videos", "", "2026-09-24"},
    };

    for (const RemovedCase& test : cases) {
        const Endpoint* const endpoint = classify(test.method, test.path).endpoint;

        ASSERT_NE(endpoint, nullptr) << test.path;
        EXPECT_EQ(endpoint->handling, Handling::removed) << test.path;
        EXPECT_EQ(endpoint->successor, test.successor) << test.path;
        EXPECT_EQ(endpoint->sunset, test.sunset) << test.path;
    }
}

TEST(Classify, TakesTheNamesOfModelsWithTheirSlashes) {
    for (const std::string_view name :
         {"gpt-4o", "meta/llama-3", "a/b/c/d", "a%2Fb", "ft:gpt-4o:org::id", "%", "a..b"}) {
        const std::string path = "/v1/models/" + std::string{name};

        const Classified found = classify(Method::get, path);
        ASSERT_NE(found.endpoint, nullptr) << name;
        EXPECT_EQ(found.endpoint->operation, Operation::models_retrieve) << name;
        EXPECT_EQ(found.endpoint->handling, Handling::local) << name;
        EXPECT_EQ(found.argument, name);
        EXPECT_EQ(classify(Method::post, path).allow, "DELETE, GET") << name;
    }
}

TEST(Classify, PrefersLiteralSegmentsToParameters) {
    EXPECT_EQ(classify(Method::post, "/v1/responses/compact").endpoint->path,
              "/v1/responses/compact");
    EXPECT_EQ(classify(Method::get, "/v1/responses/resp_1").endpoint->path,
              "/v1/responses/{response_id}");
    EXPECT_EQ(classify(Method::get, "/v1/responses/compact").allow, "POST");
    EXPECT_EQ(classify(Method::get, "/v1/videos/characters/c_1").argument, "c_1");
    EXPECT_EQ(classify(Method::get, "/v1/videos/edits/content").endpoint->path,
              "/v1/videos/{video_id}/content");
    EXPECT_EQ(classify(Method::get, "/v1/videos/edits/content").argument, "edits");
}

TEST(Classify, DoesNotTakeHeadForGet) {
    EXPECT_EQ(classify(Method::head, "/v1/models").endpoint, nullptr);
    EXPECT_EQ(classify(Method::head, "/v1/models").allow, "GET");
    EXPECT_EQ(classify(Method::get, "/v1/chat/completions").endpoint->handling,
              Handling::unsupported);
    EXPECT_EQ(classify(Method::put, "/v1/chat/completions").allow, "GET, POST");
}

TEST(Classify, DoesNotKnowPathsThatAreSpelledInAnotherWay) {
    for (const std::string_view path : {"",
                                        "/",
                                        "v1",
                                        "/v1",
                                        "/v1/",
                                        "/v2/models",
                                        "/v1/unknown",
                                        "v1/chat/completions",
                                        "/v1/chat",
                                        "/v1/chat/completions/",
                                        "//v1/chat/completions",
                                        "/v1//chat/completions",
                                        "/v1/chat//completions",
                                        "/v1/chat/./completions",
                                        "/v1/x/../chat/completions",
                                        "/V1/chat/completions",
                                        "/v1/Chat/completions",
                                        "/v1/ch%61t/completions",
                                        "/v1/chat/completions?x=1",
                                        "/v1/chat/completions/id/unknown",
                                        "/v1/chat/completions/..",
                                        "/v1/chat/completions/.",
                                        "/v1/files/%2e%2E/content",
                                        "/v1/files/.%2e",
                                        "/v1/files/%2e",
                                        "/v1/files//content",
                                        "/v1/models/",
                                        "/v1/models//",
                                        "/v1/models/a/",
                                        "/v1/models//a",
                                        "/v1/models/a//b",
                                        "/v1/models/../files",
                                        "/v1/models/a/..",
                                        "/v1/models/a/%2e%2e/b",
                                        "/openai/v1/chat/completions",
                                        "/openai/deployments/d/chat/completions",
                                        "*"}) {
        const Classified found = classify(Method::post, path);

        EXPECT_EQ(found.endpoint, nullptr) << path;
        EXPECT_TRUE(found.allow.empty()) << path;
        EXPECT_TRUE(found.argument.empty()) << path;
    }
}

TEST(Classify, KeepsDotsThatAreNoDotSegment) {
    for (const std::string_view id : {"...", "a.", ".a", "..a", "%2e%2e%2e", "%2e%2ea"}) {
        EXPECT_EQ(classify(Method::get, "/v1/files/" + std::string{id}).argument, id);
    }
}

TEST(Classify, SpellsMethodsAndOperations) {
    EXPECT_EQ(to_string(Method::get), "GET");
    EXPECT_EQ(to_string(Method::del), "DELETE");
    EXPECT_EQ(to_string(Method::options), "OPTIONS");
    EXPECT_EQ(to_string(Operation::chat_completions), "chat_completions");
    EXPECT_EQ(to_string(Operation::models_retrieve), "models_retrieve");
    EXPECT_EQ(to_string(Operation::other), "other");
}

}  // namespace
}  // namespace headgate::providers
