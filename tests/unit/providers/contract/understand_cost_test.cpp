// What understand() finds of fields that tell what a request may cost.
#include "providers/contract/api_request.h"
#include "tests/unit/providers/contract/understood.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::providers {
namespace {

constexpr std::string_view kResponsesPath = "/v1/responses";
constexpr std::string_view kImagesPath = "/v1/images/generations";

TEST(UnderstandCost, FindsWhereTheOutputCapsStand) {
    constexpr std::string_view kBody =
        R"({"model":"m","max_tokens":10,"max_completion_tokens": null ,"max_output_tokens":30})";

    const ApiRequest chat = understood(kChatPath, kBody);
    const ApiRequest response = understood(kResponsesPath, kBody);

    EXPECT_EQ(chat.max_tokens_value.in(kBody), "10");
    EXPECT_EQ(chat.max_completion_tokens_value.in(kBody), "null");
    EXPECT_TRUE(chat.max_output_tokens_value.empty());
    EXPECT_EQ(chat.output_cap(), 10);
    EXPECT_FALSE(chat.imposed_cap);
    EXPECT_TRUE(response.max_tokens_value.empty());
    EXPECT_EQ(response.max_output_tokens_value.in(kBody), "30");
}

TEST(UnderstandCost, NamesTheFirstToolThatRunsAtTheProvider) {
    const struct {
        std::string_view tools;
        std::string_view hosted;
        bool is_remote;
    } cases[] = {
        {R"([])", "", false},
        {R"([{"type":"function"},{"type":"custom"}])", "", false},
        {R"([{"type":"function","function":{"type":"web_search"}}])", "", false},
        {R"([{"type":"local_shell"},{"type":"apply_patch"},{"type":"computer"}])", "", true},
        {R"([{"type":"function"},{"type":"mcp"},{"type":"web_search"}])", "mcp", true},
        {R"([{"type":"function","type":"file_search"}])", "file_search", true},
        {R"([{"type":"file_search","type":"function"}])", "file_search", true},
        {R"([{"ty\u0070e":"web\u005fsearch"}])", "web_search", true},
        {R"([{"type":""}])", "", true},
        {R"([{"type":7},["web_search"],"web_search",null])", "", false},
    };
    for (const auto& c : cases) {
        const std::string body = R"({"model":"m","tools":)" + std::string{c.tools} + "}";

        const ApiRequest request = understood(kResponsesPath, body);

        EXPECT_EQ(request.hosted_tool, c.hosted) << body;
        EXPECT_EQ(request.has_remote_content, c.is_remote) << body;
    }
}

TEST(UnderstandCost, TakesASearchInAChatForAHostedTool) {
    EXPECT_EQ(understood(kChatPath, R"({"model":"m","web_search_options":{}})").hosted_tool,
              "web_search");
    EXPECT_EQ(understood(kChatPath, R"({"model":"m","web_search_options":null})").hosted_tool, "");
    EXPECT_EQ(understood(kResponsesPath, R"({"model":"m","web_search_options":{}})").hosted_tool,
              "");
    EXPECT_TRUE(understood(kChatPath, R"({"model":"m","data_sources":[]})").has_remote_content);
}

TEST(UnderstandCost, FindsSoundInAndOut) {
    const auto wants_audio = [](std::string_view body) {
        return understood(kChatPath, body).wants_audio;
    };
    EXPECT_TRUE(wants_audio(R"({"model":"m","modalities":["text","audio"]})"));
    EXPECT_TRUE(wants_audio(R"({"model":"m","modalities":["a\u0075dio"]})"));
    EXPECT_TRUE(wants_audio(R"({"model":"m","modalities":["audio"],"modalities":["text"]})"));
    EXPECT_FALSE(wants_audio(R"({"model":"m","modalities":["text",["audio"],{"audio":"audio"}]})"));
    EXPECT_FALSE(wants_audio(R"({"model":"m","modalities":null})"));

    const auto has_sound = [](std::string_view part) {
        return understood(kChatPath, R"({"model":"m","messages":[{"role":"user","content":[)" +
                                         std::string{part} + "]}]}")
            .has_sound;
    };
    EXPECT_TRUE(has_sound(R"({"type":"input_audio","input_audio":{"data":"QUJD"}})"));
    EXPECT_TRUE(has_sound(R"({"type":"file","file":{"file_data":"QUJD"}})"));
    EXPECT_TRUE(has_sound(R"({"type":"audio_url","audio_url":{"url":"data:audio/wav;base64,A"}})"));
    EXPECT_FALSE(has_sound(R"({"type":"text","text":"input_audio"})"));
}

TEST(UnderstandCost, FindsAPrediction) {
    EXPECT_TRUE(understood(kChatPath, R"({"model":"m","prediction":{}})").has_prediction);
    EXPECT_FALSE(understood(kChatPath, R"({"model":"m","prediction":null})").has_prediction);
    EXPECT_FALSE(understood(kResponsesPath, R"({"model":"m","prediction":{}})").has_prediction);
}

TEST(UnderstandCost, FindsWhatAPictureShallBe) {
    const ApiRequest request = understood(
        kImagesPath,
        R"({"model":"m","size":"1024x1536","quality":"h\u0069gh","output_format":"gif","frame_count":4,"partial_images":2,"n":3})");
    const ApiRequest bare = understood(
        kImagesPath,
        R"({"model":"m","size":null,"quality":null,"frame_count":null,"partial_images":0})");

    EXPECT_EQ(request.picture.size, "1024x1536");
    EXPECT_EQ(request.picture.quality, "high");
    EXPECT_EQ(request.picture.format, "gif");
    EXPECT_EQ(request.picture.frames, 4);
    EXPECT_EQ(request.picture.partials, 2);
    EXPECT_TRUE(bare.picture.size.empty());
    EXPECT_TRUE(bare.picture.quality.empty());
    EXPECT_FALSE(bare.picture.frames);
    EXPECT_EQ(bare.picture.partials, 0);
    EXPECT_TRUE(understood(kChatPath, R"({"model":"m","size":7})").picture.size.empty());
}

TEST(UnderstandCost, RefusesWrongTypes) {
    const struct {
        std::string_view path;
        std::string_view field;
        std::string_view value;
    } cases[] = {
        {kChatPath, "modalities", "\"audio\""},  {kChatPath, "modalities", "{}"},
        {kImagesPath, "size", "1024"},           {kImagesPath, "quality", "[]"},
        {kImagesPath, "output_format", "true"},  {kImagesPath, "frame_count", "0"},
        {kImagesPath, "partial_images", "-1"},   {kImagesPath, "partial_images", "1.5"},
        {kImagesPath, "partial_images", "1000"},
    };
    for (const auto& c : cases) {
        const std::string body =
            R"({"model":"m",")" + std::string{c.field} + "\":" + std::string{c.value} + "}";

        const Result<ApiRequest> request = understand(posted(c.path), body);

        ASSERT_FALSE(request) << body;
        EXPECT_EQ(request.error().code, ErrorCode::invalid_request) << body;
        EXPECT_EQ(request.error().param, c.field) << body;
    }
    EXPECT_EQ(understand(posted(kChatPath), R"({"model":"m","modalities":["audio)").error().code,
              ErrorCode::invalid_json);
    EXPECT_EQ(understand(posted(kChatPath), R"({"model":"m","modalities":[[1 2]]})").error().code,
              ErrorCode::invalid_json);
}

}  // namespace
}  // namespace headgate::providers
