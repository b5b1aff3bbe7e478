#include "providers/openai/encode.h"

#include "providers/contract/json_reader.h"

namespace headgate::providers::openai {
namespace {

const Endpoint& endpoint(std::string_view path) {
    const Classified classified = classify(Method::post, path);
    EXPECT_NE(classified.endpoint, nullptr) << path;
    return *classified.endpoint;
}

class Encode : public testing::Test {
protected:
    Encode() { provider_.base_url.base_path = "/v1"; }

    Result<UpstreamRequest> upstream(std::string_view path,
                                     std::string_view body,
                                     std::string_view model) const {
        const Result<ApiRequest> request = understand(endpoint(path), body);
        EXPECT_TRUE(request) << body;
        return encode(*request, Target{&provider_, model});
    }

    /// The body as it goes up for a chat with the model "m".
    std::string chat_body(std::string_view body) const {
        const Result<UpstreamRequest> request = upstream("/v1/chat/completions", body, "m");
        return request ? request->body.to_string() : std::string{};
    }

    Provider provider_;
};

TEST_F(Encode, SendsTheClientsBytesWhereNothingDiffers) {
    constexpr std::string_view kBody = "{ \"model\" : \"m\",\n\"x\": [1.50, \"\\u00e4\"] }  ";

    const Result<UpstreamRequest> request = upstream("/v1/chat/completions", kBody, "m");

    ASSERT_TRUE(request);
    EXPECT_FALSE(request->body.is_edited());
    EXPECT_EQ(request->body.to_string(), kBody);
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->path, "/v1/chat/completions");
    EXPECT_EQ(request->accept, "application/json");
    EXPECT_FALSE(request->expects_stream);
}

TEST_F(Encode, HangsTheEndpointUnderTheProvidersBasePath) {
    const struct {
        std::string_view base;
        std::string_view endpoint;
        std::string_view path;
    } cases[] = {
        {"/v1", "/v1/embeddings", "/v1/embeddings"},
        {"", "/v1/embeddings", "/embeddings"},
        {"/api/openai/v1", "/v1/images/generations", "/api/openai/v1/images/generations"},
        {"/v1", "/v1/responses", "/v1/responses"},
    };

    for (const auto& c : cases) {
        provider_.base_url.base_path = c.base;
        constexpr std::string_view kBody = R"({"model":"m","input":"x","prompt":"x"})";

        EXPECT_EQ(upstream(c.endpoint, kBody, "m")->path, c.path);
    }
}

TEST_F(Encode, RenamesTheModelAndNothingElse) {
    constexpr std::string_view kBody = R"({"user":"fast","model":"fast","messages":["fast"]})";

    const Result<UpstreamRequest> request =
        upstream("/v1/chat/completions", kBody, "openai/gpt-5-mini@2025:x");

    ASSERT_TRUE(request);
    EXPECT_EQ(request->body.to_string(),
              R"({"user":"fast","model":"openai/gpt-5-mini@2025:x","messages":["fast"]})");
}

TEST_F(Encode, RefusesATargetWhoseModelCouldBreakTheJson) {
    const Result<UpstreamRequest> request =
        upstream("/v1/chat/completions", R"({"model":"m"})", R"(x","stream":true,"a":")");

    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code, ErrorCode::internal_error);
}

TEST_F(Encode, AsksForUsageWhereAStreamsClientDidNot) {
    const struct {
        std::string_view in;
        std::string_view out;
    } cases[] = {
        {R"({"model":"m","stream":true})",
         R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
        {R"( {"stream":true,"model":"m" } )",
         R"( {"stream":true,"model":"m" ,"stream_options":{"include_usage":true}} )"},
        {R"({"stream_options":{},"model":"m","stream":true})",
         R"({"stream_options":{"include_usage":true},"model":"m","stream":true})"},
        {R"({"stream_options":{"include_obfuscation":false},"model":"m","stream":true})",
         R"({"stream_options":{"include_obfuscation":false,"include_usage":true},"model":"m","stream":true})"},
        {R"({"model":"m","stream":true,"stream_options":{"include_usage": false, "a":1}})",
         R"({"model":"m","stream":true,"stream_options":{"include_usage": true, "a":1}})"},
        {R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})",
         R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})"},
        {R"({"model":"m","stream_options":null,"stream":true})",
         R"({"model":"m","stream_options":{"include_usage":true},"stream":true})"},
        {R"({"model":"m","stream":false})", R"({"model":"m","stream":false})"},
        {R"({"model":"m","stream_options":{"include_usage":false}})",
         R"({"model":"m","stream_options":{"include_usage":false}})"},
    };

    for (const auto& c : cases) {
        EXPECT_EQ(chat_body(c.in), c.out);
    }
}

/// `include_usage` as a reader sees it for whom the last of equal keys counts.
bool asks_for_usage(std::string_view body) {
    JsonReader reader{body};
    bool asks = false;
    EXPECT_EQ(reader.next(), JsonToken::begin_object);
    while (reader.next() == JsonToken::key) {
        if (!reader.is("stream_options")) {
            reader.skip();
            continue;
        }
        asks = false;
        if (reader.next() != JsonToken::begin_object) {
            continue;
        }
        while (reader.next() == JsonToken::key) {
            const bool is_wanted = reader.is("include_usage");
            reader.next();
            asks = is_wanted ? reader.token() == JsonToken::true_value : asks;
        }
    }
    EXPECT_TRUE(reader.finish()) << body;
    return asks;
}

TEST_F(Encode, IsHeardAboveNullsAndRepeatedOptions) {
    for (
        const std::string_view body : {
            R"({"model":"m","stream":true,"stream_options":null})",
            R"({"stream_options":null,"model":"m","stream":true})",
            R"({"model":"m","stream":true,"stream_options":{"include_usage":null}})",
            R"({"model":"m","stream":true,"stream_options":{"include_usage":null,"a":1}})",
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"stream_options":null})",
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"stream_options":{}})",
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true,"include_usage":false}})",
            R"({"model":"m","stream":true,"stream_options":{"include_usage":false},"stream_options":{"a":1}})",
        }) {
        EXPECT_TRUE(asks_for_usage(chat_body(body))) << chat_body(body);
    }
}

TEST_F(Encode, RenamesAndAsksForUsageInWhateverOrderTheMembersStand) {
    for (const std::string_view body : {
             R"({"stream_options":{"include_usage":false},"model":"a","stream":true})",
             R"({"model":"a","stream":true,"stream_options":{"include_usage":false}})",
         }) {
        const Result<UpstreamRequest> request = upstream("/v1/chat/completions", body, "longer");

        ASSERT_TRUE(request);
        const std::string sent = request->body.to_string();
        EXPECT_NE(sent.find(R"("model":"longer")"), std::string::npos) << sent;
        EXPECT_NE(sent.find(R"({"include_usage":true})"), std::string::npos) << sent;
        EXPECT_EQ(sent.size(), request->body.size());
    }
}

TEST_F(Encode, AsksForUsageOnlyWhereTheEndpointHasTheOption) {
    constexpr std::string_view kBody = R"({"model":"m","input":"x","prompt":"x","stream":true})";

    for (const std::string_view path : {"/v1/responses", "/v1/images/generations"}) {
        const Result<UpstreamRequest> request = upstream(path, kBody, "m");

        ASSERT_TRUE(request);
        EXPECT_FALSE(request->body.is_edited());
        EXPECT_TRUE(request->expects_stream);
        EXPECT_EQ(request->accept, "text/event-stream");
    }
    EXPECT_TRUE(upstream("/v1/completions", kBody, "m")->body.is_edited());
}

TEST_F(Encode, ExpectsNoStreamWhereTheEndpointHasNone) {
    const Result<UpstreamRequest> request =
        upstream("/v1/embeddings", R"({"model":"m","input":"x","stream":true})", "m");

    ASSERT_TRUE(request);
    EXPECT_FALSE(request->expects_stream);
    EXPECT_EQ(request->accept, "application/json");
}

}  // namespace
}  // namespace headgate::providers::openai
