// What understand() finds in the prompt itself.
#include "providers/contract/api_request.h"
#include "tests/unit/providers/contract/understood.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::providers {
namespace {

constexpr std::string_view kResponsesPath = "/v1/responses";

struct PromptCase {
    std::string_view path;
    std::string_view member;  // of the body, beside the model
    std::string_view prompt;
    std::size_t messages;
};

ApiRequest with(std::string_view path, std::string& body, std::string_view members) {
    body = R"({"model":"m",)" + std::string{members} + "}";
    return understood(path, body);
}

TEST(UnderstandPrompt, FindsThePromptOfEachOperation) {
    const PromptCase cases[] = {
        {kChatPath, R"("messages": [{"role":"user","content":[{"type":"text"}]},{}] )",
         R"([{"role":"user","content":[{"type":"text"}]},{}])", 2},
        {kChatPath, R"("input":"x")", "", 0},
        {kChatPath, R"("messages":null)", "", 0},
        {kChatPath, R"("messages":[])", "[]", 0},
        {kResponsesPath, R"("input":"Hi")", R"("Hi")", 1},
        {kResponsesPath, R"("input":[{"role":"user","content":"a"},{"type":"message"}])",
         R"([{"role":"user","content":"a"},{"type":"message"}])", 2},
        {"/v1/embeddings", R"("input":["a","b","c"])", R"(["a","b","c"])", 3},
        {"/v1/embeddings", R"("input":[1,2,3])", "[1,2,3]", 1},
        {"/v1/embeddings", R"("input":[[1,2],[3]])", "[[1,2],[3]]", 2},
        {"/v1/completions", R"("prompt":"Once")", R"("Once")", 1},
        {"/v1/moderations", R"("input":[{"type":"text","text":"t"}])",
         R"([{"type":"text","text":"t"}])", 1},
        {"/v1/images/generations", R"("prompt":"A cat")", R"("A cat")", 1},
        {kChatPath, R"("messages":[{},{}],"messages":[{}])", "[{}]", 1},
        {kChatPath, R"("messages":[{},{}],"messages":null)", "", 0},
        {kChatPath, R"("messages":{"content":"odd"})", R"({"content":"odd"})", 0},
        {kChatPath, R"("messages":17)", "17", 0},
    };

    for (const PromptCase& test : cases) {
        std::string body;
        const ApiRequest request = with(test.path, body, test.member);

        EXPECT_EQ(request.prompt.in(body), test.prompt) << test.member;
        EXPECT_EQ(request.messages, test.messages) << test.member;
        EXPECT_FALSE(request.has_remote_content) << test.member;
        EXPECT_EQ(request.inline_images, 0U) << test.member;
    }
}

TEST(UnderstandPrompt, SeesWhatAChatRequestNamesButDoesNotHold) {
    for (const std::string_view part : {
             R"({"type":"image_url","image_url":{"url":"https://example.com/a.png"}})",
             R"({"type":"image_url","image_url":"http://example.com/a.png"})",
             R"({"type":"image_url","image_url":{"url":"\u0064ata:image/png;base64,AA"}})",
             R"({"type":"image_url","image_url":{"detail":"low","u\u0072l":"https://a"}})",
             R"({"type":"file","file":{"file_id":"file-1"}})",
             R"({"type":"video_url","video_url":{"url":"https://example.com/a.mp4"}})",
             R"({"image":"iVBORw0KGgo="})",
         }) {
        std::string body;
        const ApiRequest request =
            with(kChatPath, body,
                 R"("messages":[{"role":"user","content":[{"type":"text","text":"?"},)" +
                     std::string{part} + "]}]");

        EXPECT_TRUE(request.has_remote_content) << part;
        EXPECT_EQ(request.inline_images, 0U) << part;
    }
    for (const std::string_view members : {
             R"("messages":[{"role":"assistant","audio":{"id":"audio_1"}}])",
             R"("web_search_options":{})",
             R"("tools":[{"type":"web_search"}])",
         }) {
        std::string body;
        EXPECT_TRUE(with(kChatPath, body, members).has_remote_content) << members;
    }
}

TEST(UnderstandPrompt, SeesWhatAResponsesRequestNamesButDoesNotHold) {
    for (
        const std::string_view members : {
            R"("previous_response_id":"resp_1")",
            R"("conversation":"conv_1")",
            R"("conversation":{"id":"conv_1"})",
            R"("prompt":{"id":"pmpt_1","variables":{}})",
            R"("input":[{"role":"user","content":[{"type":"input_image","file_id":"file-1"}]}])",
            R"("input":[{"role":"user","content":[{"type":"input_image","image_url":"https://a"}]}])",
            R"("input":[{"role":"user","content":[{"type":"input_file","file_url":"https://a"}]}])",
            R"("input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}])",
            R"("input":[{"type":"item_reference","id":"msg_1"}])",
            R"("input":[{"id":"msg_1"}])",
            R"("input":[{"type":"reasoning","id":"rs_1","summary":[]}])",
            R"("input":[{"type":"image_generation_call","id":"ig_1"}])",
            R"("input":[{"type":"file_search_call","id":"fs_1","queries":[]}])",
            R"("input":[{"type":"m\u0065ssage","role":"user"}])",
            R"("input":[{"type":"computer_call_output","output":{"file_id":"file-1"}}])",
            R"("tools":[{"type":"mcp","server_url":"https://a"}])",
            R"("tools":[{"type":"function","name":"f"},{"type":"file_search"}])",
            R"("input":[{"type":"item_reference","id":"m"}],"input":"later one wins elsewhere")",
        }) {
        std::string body;
        EXPECT_TRUE(with(kResponsesPath, body, members).has_remote_content) << members;
    }
}

TEST(UnderstandPrompt, IsNotMisledByWordsAndSchemas) {
    for (
        const std::string_view members : {
            R"("messages":[{"role":"user","content":"\"image_url\":{\"url\":\"https://a\"}"}])",
            R"("messages":[{"role":"user","content":"data:image/png;base64,AA file_id"}])",
            R"("messages":[{"role":"user","content":[{"type":"text","text":"https://a/b.png"}]}])",
            R"("messages":[{"role":"tool","tool_call_id":"c","content":"{\"file_id\":\"f\"}"}])",
            R"("messages":[{"role":"assistant","audio":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"image_url\":\"https://a\"}"}}]}])",
            R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"image_url":{"type":"string"},"file_id":{"type":"string"},"type":{"type":"web_search"}}}}}])",
            R"("metadata":{"file_id":"f","image_url":"https://a"})",
            R"("messages":[{"role":"user","content":[{"type":"file","file":{"file_id":null}}]}])",
        }) {
        std::string body;
        const ApiRequest request = with(kChatPath, body, members);

        EXPECT_FALSE(request.has_remote_content) << members;
        EXPECT_EQ(request.inline_images, 0U) << members;
    }
    for (const std::string_view members : {
             R"("input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}])",
             R"("input":[{"type":"function_call_output","call_id":"c","output":"file_id"}])",
             R"("input":[{"type":"reasoning","id":"rs_1","encrypted_content":"gAAAA"}])",
             R"("previous_response_id":null,"conversation":null,"prompt":null)",
         }) {
        std::string body;
        EXPECT_FALSE(with(kResponsesPath, body, members).has_remote_content) << members;
    }
}

TEST(UnderstandPrompt, CountsThePicturesThatStandInIt) {
    std::string body;
    const ApiRequest chat = with(
        kChatPath, body,
        R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},)"
        R"({"type":"image_url","image_url":{"url":"DATA:image\/jpeg;base64,BBBB","detail":"low"}}]}])");
    std::string other_body;
    const ApiRequest responses = with(
        kResponsesPath, other_body,
        R"("input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/webp;base64,AA"}]},)"
        R"({"type":"function_call_output","output":[{"type":"input_image","image_url":"data:image/png;base64,AA"}]},)"
        R"({"type":"image_generation_call","id":"ig_1","result":"AAAA"}])");

    EXPECT_EQ(chat.inline_images, 2U);
    EXPECT_FALSE(chat.has_remote_content);
    EXPECT_EQ(responses.inline_images, 3U);
    EXPECT_FALSE(responses.has_remote_content);
    EXPECT_EQ(responses.messages, 3U);
}

TEST(UnderstandPrompt, StillRefusesNestingThatIsTooDeep) {
    const std::string body =
        R"({"model":"m","messages":)" + std::string(200, '[') + std::string(200, ']') + "}";
    std::string files = R"({"model":"m","messages":[{"content":)";
    for (int level = 0; level < 150; ++level) {
        files += R"({"file":)";
    }

    EXPECT_EQ(understand(posted(kChatPath), body).error().code, ErrorCode::invalid_json);
    EXPECT_EQ(understand(posted(kChatPath), files).error().code, ErrorCode::invalid_json);
}

}  // namespace
}  // namespace headgate::providers
