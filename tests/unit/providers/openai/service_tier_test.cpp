// The service tier that a stream tells.
#include "providers/openai/adapter.h"
#include "tests/unit/providers/openai/stream_run.h"

#include <gtest/gtest.h>

namespace headgate::providers::openai {
namespace {

/// The tier after each of the events.
std::vector<std::string> tiers(Operation operation, const std::vector<std::string>& events) {
    const ApiRequest request = stream_request(operation);
    const auto decoder = OpenAiAdapter{}.stream_decoder(request);
    std::vector<std::string> told;
    std::string out;
    for (const std::string& event : events) {
        decoder->feed("data: " + event + "\n\n", out);
        told.emplace_back(decoder->service_tier());
    }
    return told;
}

using Texts = std::vector<std::string>;

TEST(ServiceTier, IsTheLastThatAChatTells) {
    EXPECT_EQ(tiers(Operation::chat_completions,
                    {R"({"choices":[]})", R"({"choices":[],"service_tier":"default"})",
                     R"({"choices":[],"service_tier":null})", R"({"choices":[]})",
                     R"({"service_tier":"priority","choices":[]})", "[DONE]"}),
              (Texts{"", "default", "default", "default", "priority", "priority"}));
}

TEST(ServiceTier, IsThatOfTheResponseWhenItIsComplete) {
    EXPECT_EQ(tiers(Operation::responses,
                    {R"({"type":"response.created","response":{"service_tier":"auto"}})",
                     R"({"type":"x","service_tier":"not this"})",
                     R"({"type":"response.completed","response":{"service_tier":"flex"}})"}),
              (Texts{"auto", "auto", "flex"}));
}

TEST(ServiceTier, IsNothingWhereItIsTooLongOrNoText) {
    EXPECT_EQ(tiers(Operation::chat_completions,
                    {R"({"choices":[],"service_tier":")" + std::string(33, 'x') + R"("})",
                     R"({"choices":[],"service_tier":{"a":"b"}})",
                     R"({"choices":[],"service_tier":")" + std::string(32, 'x') + R"("})"}),
              (Texts{"", "", std::string(32, 'x')}));
}

TEST(ServiceTier, IsNotToldOfPictures) {
    EXPECT_EQ(tiers(Operation::image_generations,
                    {R"({"type":"image_generation.completed","service_tier":"flex"})"}),
              Texts{""});
}

}  // namespace
}  // namespace headgate::providers::openai
