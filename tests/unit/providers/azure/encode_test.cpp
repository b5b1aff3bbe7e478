#include "providers/azure/encode.h"

#include "providers/azure/adapter.h"
#include "providers/contract/json_reader.h"

#include <gtest/gtest.h>

namespace headgate::providers::azure {
namespace {

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kDated = "2025-04-01-preview";

class AzureEncode : public testing::Test {
protected:
    AzureEncode() {
        provider_.wire = WireFormat::azure;
        provider_.api_version = kDated;
        provider_.deployments = {{"gpt-5", "gpt5-prod"}, {"odd", "über/eins ?#%"}};
    }

    Result<UpstreamRequest> upstream(std::string_view path,
                                     std::string_view body,
                                     std::string_view model = "gpt-5") const {
        const Classified classified = classify(Method::post, path);
        EXPECT_NE(classified.endpoint, nullptr) << path;
        const Result<ApiRequest> request = understand(*classified.endpoint, body);
        EXPECT_TRUE(request) << body;
        return AzureAdapter{}.encode(*request, Target{&provider_, model});
    }

    std::string path(std::string_view endpoint, std::string_view model = "gpt-5") const {
        constexpr std::string_view kBody = R"({"model":"x","input":"x","prompt":"x"})";
        const Result<UpstreamRequest> request = upstream(endpoint, kBody, model);
        return request ? request->path : request.error().message;
    }

    std::string body(std::string_view endpoint,
                     std::string_view body,
                     std::string_view model = "gpt-5") const {
        const Result<UpstreamRequest> request = upstream(endpoint, body, model);
        return request ? request->body.to_string() : request.error().message;
    }

    Provider provider_;
};

TEST_F(AzureEncode, GoesToTheDeploymentWhereTheVersionHasADate) {
    EXPECT_EQ(path(kChat),
              "/openai/deployments/gpt5-prod/chat/completions?api-version=2025-04-01-preview");
    EXPECT_EQ(path("/v1/completions"),
              "/openai/deployments/gpt5-prod/completions?api-version=2025-04-01-preview");
    EXPECT_EQ(path("/v1/embeddings"),
              "/openai/deployments/gpt5-prod/embeddings?api-version=2025-04-01-preview");
    EXPECT_EQ(path("/v1/images/generations"),
              "/openai/deployments/gpt5-prod/images/generations?api-version=2025-04-01-preview");
}

TEST_F(AzureEncode, GoesToTheResourceForResponses) {
    EXPECT_EQ(path("/v1/responses"), "/openai/responses?api-version=2025-04-01-preview");
}

TEST_F(AzureEncode, NeedsNoVersionInTheVersionlessApi) {
    const struct {
        std::string_view version;
        std::string_view chat;
        std::string_view responses;
    } cases[] = {
        {"v1", "/openai/v1/chat/completions", "/openai/v1/responses"},
        {"", "/openai/v1/chat/completions", "/openai/v1/responses"},
        {"preview", "/openai/v1/chat/completions?api-version=preview",
         "/openai/v1/responses?api-version=preview"},
        {"a&b=c", "/openai/v1/chat/completions?api-version=a%26b%3Dc",
         "/openai/v1/responses?api-version=a%26b%3Dc"},
    };

    for (const auto& c : cases) {
        provider_.api_version = c.version;

        EXPECT_EQ(path(kChat), c.chat);
        EXPECT_EQ(path("/v1/responses"), c.responses);
    }
}

TEST_F(AzureEncode, HangsUnderTheBasePathWhicheverPartOfTheAddressItShows) {
    const struct {
        std::string_view base;
        std::string_view prefix;
    } cases[] = {{"", ""},
                 {"/openai", ""},
                 {"/openai/v1", ""},
                 {"/gateway", "/gateway"},
                 {"/gateway/openai", "/gateway"},
                 {"/myopenai", "/myopenai"},
                 {"/v1", "/v1"}};

    for (const auto& c : cases) {
        provider_.base_url.base_path = c.base;
        const std::string prefix{c.prefix};

        provider_.api_version = "v1";
        EXPECT_EQ(path(kChat), prefix + "/openai/v1/chat/completions") << c.base;
        provider_.api_version = "2024-10-21";
        EXPECT_EQ(path(kChat),
                  prefix + "/openai/deployments/gpt5-prod/chat/completions?api-version=2024-10-21")
            << c.base;
    }
}

TEST_F(AzureEncode, EscapesTheDeploymentAndTakesTheModelWhereNoneIsNamed) {
    EXPECT_EQ(path(kChat, "odd"),
              "/openai/deployments/%C3%BCber%2Feins%20%3F%23%25/chat/completions"
              "?api-version=2025-04-01-preview");
    EXPECT_EQ(path(kChat, "ft:gpt-4o/x"),
              "/openai/deployments/ft%3Agpt-4o%2Fx/chat/completions"
              "?api-version=2025-04-01-preview");
}

TEST_F(AzureEncode, LeavesTheBodyAsItCameWhereThePathNamesTheDeployment) {
    constexpr std::string_view kBody = "{ \"model\" : \"gpt-5\", \"messages\":[] } ";

    EXPECT_EQ(body(kChat, kBody), kBody);
    EXPECT_EQ(body(kChat, R"({"model":"fast","messages":[]})"),
              R"({"model":"gpt-5","messages":[]})");
}

TEST_F(AzureEncode, WritesTheDeploymentIntoTheBodyWhereThePathDoesNotNameIt) {
    constexpr std::string_view kBody = R"({"model":"fast","input":"fast"})";

    EXPECT_EQ(body("/v1/responses", kBody), R"({"model":"gpt5-prod","input":"fast"})");
    provider_.api_version = "v1";
    EXPECT_EQ(body("/v1/embeddings", kBody), R"({"model":"gpt5-prod","input":"fast"})");
    EXPECT_EQ(body("/v1/responses", kBody, "other"), R"({"model":"other","input":"fast"})");
}

TEST_F(AzureEncode, RefusesADeploymentThatWouldBreakTheBody) {
    provider_.api_version = "v1";
    provider_.deployments = {{"gpt-5", "a\",\"x\":\"b"}};

    const Result<UpstreamRequest> request = upstream(kChat, R"({"model":"m","messages":[]})");

    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code, ErrorCode::internal_error);
}

TEST_F(AzureEncode, RefusesWhatAzureDoesNotHave) {
    const Result<UpstreamRequest> request =
        upstream("/v1/moderations", R"({"model":"omni-moderation-latest","input":"x"})");

    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code, ErrorCode::endpoint_not_supported);
}

TEST_F(AzureEncode, AsksForTheUsageOfAStreamWhereTheVersionKnowsHow) {
    constexpr std::string_view kBody = R"({"model":"gpt-5","messages":[],"stream":true})";
    constexpr std::string_view kAsking =
        R"({"model":"gpt-5","messages":[],"stream":true,"stream_options":{"include_usage":true}})";
    const std::pair<std::string_view, bool> cases[] = {
        {"2023-05-15", false},         {"2024-02-01", false},        {"2024-06-01", false},
        {"2024-08-01-preview", false}, {"2024-09-01-preview", true}, {"2024-10-21", true},
        {"2025-04-01-preview", true},
    };

    for (const auto& [version, is_asked] : cases) {
        provider_.api_version = version;

        EXPECT_EQ(body(kChat, kBody), is_asked ? kAsking : kBody) << version;
        EXPECT_EQ(upstream(kChat, kBody)->accept, "text/event-stream");
    }
    provider_.api_version = "v1";
    provider_.deployments.clear();
    EXPECT_EQ(body(kChat, kBody), kAsking);
}

TEST_F(AzureEncode, DoesNotAskForUsageWithDataSources) {
    const std::pair<std::string_view, bool> cases[] = {
        {R"({"model":"gpt-5","messages":[],"data_sources":[{"type":"azure_search"}],"stream":true})",
         false},
        {R"({"model":"gpt-5","messages":[{"role":"user","content":"data_sources"}],"stream":true})",
         true},
        {R"({"model":"gpt-5","messages":[{"data_sources":1}],"stream":true})", true},
    };

    for (const auto& [text, is_asked] : cases) {
        EXPECT_EQ(body(kChat, text).contains("include_usage"), is_asked) << text;
    }
}

TEST_F(AzureEncode, LeavesTheClientsOwnStreamOptionsAlone) {
    constexpr std::string_view kBody =
        R"({"model":"gpt-5","messages":[],"stream":true,"stream_options":{"include_usage":true}})";
    provider_.api_version = "2024-02-01";

    EXPECT_EQ(body(kChat, kBody), kBody);
}

TEST_F(AzureEncode, TellsWhereTheModelsAreListed) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"2024-10-21", "/gw/openai/models?api-version=2024-10-21"},
        {"v1", "/gw/openai/v1/models"},
        {"", "/gw/openai/v1/models"},
        {"preview", "/gw/openai/v1/models?api-version=preview"},
    };

    for (const std::string_view base : {"/gw", "/gw/openai", "/gw/openai/v1"}) {
        provider_.base_url.base_path = base;
        for (const auto& [version, path] : cases) {
            provider_.api_version = version;

            EXPECT_EQ(AzureAdapter{}.models_path(provider_), path);
        }
    }
}

TEST_F(AzureEncode, SendsAKeyOrAToken) {
    using Field = std::pair<std::string_view, std::string>;
    const AzureAdapter adapter;

    EXPECT_EQ(adapter.credential_field(provider_, "secret"), Field("api-key", "secret"));
    provider_.token_file = "/run/secrets/token";
    EXPECT_EQ(adapter.credential_field(provider_, "token"), Field("authorization", "Bearer token"));
}

TEST_F(AzureEncode, AddsAnOutputCapByTheNameThatTheVersionKnows) {
    const struct {
        std::string_view version;
        std::string_view body;
    } cases[] = {
        {"2024-06-01", R"({"model":"gpt-5","max_tokens":50})"},
        {"2024-09-01-preview", R"({"model":"gpt-5","max_completion_tokens":50})"},
        {"2025-04-01-preview", R"({"model":"gpt-5","max_completion_tokens":50})"},
        {"v1", R"({"model":"gpt5-prod","max_completion_tokens":50})"},
    };
    for (const auto& c : cases) {
        provider_.api_version = c.version;
        auto request = understand(*classify(Method::post, kChat).endpoint, R"({"model":"gpt-5"})");
        ASSERT_TRUE(request);
        request->imposed_cap = 50;

        const auto upstream = AzureAdapter{}.encode(*request, Target{&provider_, "gpt-5"});

        ASSERT_TRUE(upstream);
        EXPECT_EQ(upstream->body.to_string(), c.body) << c.version;
    }
}

}  // namespace
}  // namespace headgate::providers::azure
