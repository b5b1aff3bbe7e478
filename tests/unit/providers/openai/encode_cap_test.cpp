// The output cap that a policy imposes, as it goes up.
#include "providers/openai/encode.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::providers::openai {
namespace {

class EncodeCap : public testing::Test {
protected:
    /// The body as it goes up with a cap of 50.
    std::string sent(std::string_view path, std::string_view body, std::string_view model = "m") {
        const Endpoint* const endpoint = classify(Method::post, path).endpoint;
        auto request = understand(*endpoint, body);
        EXPECT_TRUE(request) << body;
        request->imposed_cap = 50;
        const auto upstream = encode(*request, Target{&provider_, model});
        EXPECT_TRUE(upstream) << body;
        EXPECT_EQ(upstream->body.size(), upstream->body.to_string().size());
        return upstream->body.to_string();
    }

    Provider provider_;
};

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kCompletions = "/v1/completions";
constexpr std::string_view kResponses = "/v1/responses";

TEST_F(EncodeCap, IsAddedWhereTheRequestSetsNone) {
    EXPECT_EQ(sent(kChat, R"({"model":"m"})"), R"({"model":"m","max_completion_tokens":50})");
    EXPECT_EQ(sent(kChat, R"({"max_completion_tokens":null,"model":"m"})"),
              R"({"max_completion_tokens":50,"model":"m"})");
    EXPECT_EQ(sent(kChat, R"({"max_tokens":null,"model":"m"})"),
              R"({"max_tokens":null,"model":"m","max_completion_tokens":50})");
    EXPECT_EQ(sent(kCompletions, R"({"model":"m"})"), R"({"model":"m","max_tokens":50})");
    EXPECT_EQ(sent(kResponses, R"({"model":"m"} )"), R"({"model":"m","max_output_tokens":50} )");
}

TEST_F(EncodeCap, LowersWhatIsHigherAndLeavesWhatIsNot) {
    EXPECT_EQ(sent(kChat, R"({"max_tokens":51,"model":"m"})"), R"({"max_tokens":50,"model":"m"})");
    EXPECT_EQ(sent(kChat, R"({"max_tokens":50,"model":"m"})"), R"({"max_tokens":50,"model":"m"})");
    EXPECT_EQ(sent(kChat, R"({"max_tokens":900,"model":"m","max_completion_tokens": 20})"),
              R"({"max_tokens":50,"model":"m","max_completion_tokens": 20})");
    EXPECT_EQ(sent(kChat, R"({"max_completion_tokens":100,"model":"m","max_tokens":900})"),
              R"({"max_completion_tokens":50,"model":"m","max_tokens":50})");
    EXPECT_EQ(sent(kChat, R"({"max_tokens":10,"max_tokens":900,"model":"m"})"),
              R"({"max_tokens":10,"max_tokens":50,"model":"m"})");
    EXPECT_EQ(sent(kResponses, R"({"model":"m","max_output_tokens":900})"),
              R"({"model":"m","max_output_tokens":50})");
}

TEST_F(EncodeCap, GoesWithEveryOtherEdit) {
    EXPECT_EQ(
        sent(kChat, R"({"max_completion_tokens":900,"stream":true,"max_tokens":900,"model":"m"})",
             "longer"),
        R"({"max_completion_tokens":50,"stream":true,"max_tokens":50,"model":"longer",)"
        R"("stream_options":{"include_usage":true}})");
    EXPECT_EQ(sent(kChat, R"({"stream":true,"model":"m"})", "x"),
              R"({"stream":true,"model":"x","stream_options":{"include_usage":true},)"
              R"("max_completion_tokens":50})");
}

TEST_F(EncodeCap, IsCalledByItsOldNameWhereServersMayKnowNoOther) {
    provider_.kind = ProviderKind::openai_compatible;

    EXPECT_EQ(sent(kChat, R"({"model":"m"})"), R"({"model":"m","max_tokens":50})");
    EXPECT_EQ(sent(kChat, R"({"max_completion_tokens":900,"model":"m"})"),
              R"({"max_completion_tokens":50,"model":"m"})");
}

TEST_F(EncodeCap, IsNothingToOperationsWithoutOutput) {
    constexpr std::string_view kBody = R"({"model":"m","max_tokens":900})";

    for (const std::string_view path : {"/v1/embeddings", "/v1/images/generations"}) {
        EXPECT_EQ(sent(path, kBody), kBody) << path;
    }
}

}  // namespace
}  // namespace headgate::providers::openai
