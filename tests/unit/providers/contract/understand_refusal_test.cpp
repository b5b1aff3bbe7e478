// What understand() refuses, and in which words.
#include "providers/contract/api_request.h"
#include "tests/unit/providers/contract/understood.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::providers {
namespace {

ApiError refusal(std::string_view path, std::string_view body) {
    const Result<ApiRequest> request = understand(posted(path), body);
    EXPECT_FALSE(request.has_value()) << body;
    return request ? ApiError{.code = {}, .message = {}, .param = {}, .allow = {}}
                   : request.error();
}

TEST(Understand, RefusesWhatIsNotJsonAndTellsWhere) {
    struct JsonCase {
        std::string body;
        std::string_view message;
    };
    const JsonCase cases[] = {
        {"", "The request body is not valid JSON: the text ends too early at byte 0."},
        {R"({"model":"m")",
         "The request body is not valid JSON: the text ends too early at byte 12."},
        {R"({"model":"m",})",
         "The request body is not valid JSON: unexpected character at byte 13."},
        {R"({"model":"m"}x)",
         "The request body is not valid JSON: bytes behind the JSON value at byte 13."},
        {R"({"model":"m","n":NaN})",
         "The request body is not valid JSON: unexpected character at byte 17."},
        {R"({"model":"m","n":01})",
         "The request body is not valid JSON: invalid number at byte 19."},
        {"{\"model\":\"m\xff\"}", "The request body is not valid JSON: invalid UTF-8 at byte 11."},
        {R"({"model":"m","tools":[{"a":}]})",
         "The request body is not valid JSON: unexpected character at byte 27."},
        {R"({"model":"m","stream_options":{"include_usage":tru}})",
         "The request body is not valid JSON: unexpected character at byte 50."},
        {"{\"model\":\"m\",\"x\":" + std::string(128, '[') + std::string(128, ']') + "}",
         "The request body is not valid JSON: nesting deeper than 128 levels at byte 144."},
        {"[1,", "The request body is not valid JSON: the text ends too early at byte 3."},
    };

    for (const JsonCase& test : cases) {
        const ApiError error = refusal(kChatPath, test.body);

        EXPECT_EQ(error.code, ErrorCode::invalid_json) << test.body;
        EXPECT_EQ(error.message, test.message);
        EXPECT_EQ(error.param, "") << test.body;
    }
}

TEST(Understand, RefusesAModelThatStandsTwiceHoweverItIsSpelled) {
    for (const std::string_view body :
         {R"({"model":"a","x":1,"model":"a"})", R"({"model":"a","x":1,"mod\u0065l":"b"})",
          R"({"\u006dodel":"a","x":1,"model":"b"})", R"({"model":null,"x":1,"model":"b"})"}) {
        const ApiError error = refusal(kChatPath, body);

        EXPECT_EQ(error.code, ErrorCode::invalid_json) << body;
        EXPECT_NE(error.message.find("'model' stands twice"), std::string::npos) << body;
    }
    EXPECT_EQ(refusal(kChatPath, R"({"model":"a","x":1,"model":"a"})").message,
              "The request body is not valid JSON: 'model' stands twice, again at byte 19.");
}

TEST(Understand, DoesNotCountModelsInsideOtherFields) {
    EXPECT_EQ(understood(kChatPath, R"({"x":{"model":"a","model":"b"},"model":"c"})").model, "c");
}

TEST(Understand, RefusesABodyThatIsNoObject) {
    EXPECT_EQ(refusal(kChatPath, "[1]").message,
              "The request body must be a JSON object; it is an array.");
    EXPECT_EQ(refusal(kChatPath, R"("model")").message,
              "The request body must be a JSON object; it is a string.");
    EXPECT_EQ(refusal(kChatPath, "null").code, ErrorCode::invalid_request);
}

TEST(Understand, RefusesARequestWithoutAModel) {
    for (const std::string_view body : {"{}", R"({"n":1})", R"({"model":null})"}) {
        const ApiError error = refusal(kChatPath, body);

        EXPECT_EQ(error.code, ErrorCode::invalid_request) << body;
        EXPECT_EQ(error.param, "model") << body;
        EXPECT_EQ(error.message, "The field 'model' is missing: it names the model to ask.");
    }
}

TEST(Understand, RefusesNamesThatAreNoModels) {
    for (const std::string_view value :
         {R"("")", R"("/a")", R"("a/../b")", R"("a b")", R"("a\u0020b")", R"("\u002fa")",
          R"("a\nb")", R"("a\u0000")", R"("\ud800")", R"("m\udc00")", "\"\u00e9\"", "1", "true",
          R"({"a":1})", R"(["a"])"}) {
        const ApiError error = refusal("/v1/embeddings", R"({"model":)" + std::string{value} + "}");

        EXPECT_EQ(error.code, ErrorCode::invalid_request) << value;
        EXPECT_EQ(error.param, "model") << value;
    }
    EXPECT_NE(refusal(kChatPath, R"({"model":"\ud800"})").message.find("half a surrogate"),
              std::string::npos);
}

TEST(Understand, RefusesWrongTypesOfTheFieldsThatItReads) {
    struct TypeCase {
        std::string_view path;
        std::string_view member;
        std::string_view param;
        std::string_view message;
    };
    const TypeCase cases[] = {
        {kChatPath, R"("stream":"true")", "stream",
         "Invalid value for 'stream': it must be true or false; it is a string."},
        {kChatPath, R"("stream":1)", "stream",
         "Invalid value for 'stream': it must be true or false; it is 1."},
        {kChatPath, R"("stream_options":true)", "stream_options",
         "Invalid value for 'stream_options': it must be an object; it is a boolean."},
        {kChatPath, R"("stream_options":{"include_usage":"yes"})", "stream_options.include_usage",
         "Invalid value for 'stream_options.include_usage': it must be true or false; "
         "it is a string."},
        {kChatPath, R"("n":0)", "n",
         "Invalid value for 'n': it must be an integer from 1 to 128; it is 0."},
        {kChatPath, R"("n":129)", "n",
         "Invalid value for 'n': it must be an integer from 1 to 128; it is 129."},
        {kChatPath, R"("n":1.0)", "n",
         "Invalid value for 'n': it must be an integer from 1 to 128; it is 1.0."},
        {kChatPath, R"("n":"1")", "n",
         "Invalid value for 'n': it must be an integer from 1 to 128; it is a string."},
        {"/v1/completions", R"("best_of":-1)", "best_of",
         "Invalid value for 'best_of': it must be an integer from 1 to 128; it is -1."},
        {kChatPath, R"("max_tokens":1e2)", "max_tokens",
         "Invalid value for 'max_tokens': it must be an integer from 1 to 2147483647; it is 1e2."},
        {kChatPath, R"("max_completion_tokens":0)", "max_completion_tokens",
         "Invalid value for 'max_completion_tokens': it must be an integer from 1 to 2147483647; "
         "it is 0."},
        {"/v1/responses", R"("max_output_tokens":2147483648)", "max_output_tokens",
         "Invalid value for 'max_output_tokens': it must be an integer from 1 to 2147483647; "
         "it is 2147483648."},
        {kChatPath, R"("max_tokens":100000000000000000000000000)", "max_tokens",
         "Invalid value for 'max_tokens': it must be an integer from 1 to 2147483647; "
         "it is a number."},
        {kChatPath, R"("temperature":"0")", "temperature",
         "Invalid value for 'temperature': it must be a number; it is a string."},
        {kChatPath, R"("seed":1.5)", "seed",
         "Invalid value for 'seed': it must be an integer; it is 1.5."},
        {kChatPath, R"("seed":1e3)", "seed",
         "Invalid value for 'seed': it must be an integer; it is 1e3."},
        {kChatPath, R"("service_tier":[])", "service_tier",
         "Invalid value for 'service_tier': it must be a string; it is an array."},
        {"/v1/embeddings", R"("user":{})", "user",
         "Invalid value for 'user': it must be a string; it is an object."},
        {"/v1/responses", R"("store":"no")", "store",
         "Invalid value for 'store': it must be true or false; it is a string."},
        {"/v1/responses", R"("previous_response_id":7)", "previous_response_id",
         "Invalid value for 'previous_response_id': it must be a string; it is 7."},
        {"/v1/responses", R"("background":0)", "background",
         "Invalid value for 'background': it must be true or false; it is 0."},
        {kChatPath, R"("tools":{})", "tools",
         "Invalid value for 'tools': it must be an array; it is an object."},
    };

    for (const TypeCase& test : cases) {
        const ApiError error =
            refusal(test.path, R"({"model":"m",)" + std::string{test.member} + "}");

        EXPECT_EQ(error.code, ErrorCode::invalid_request) << test.member;
        EXPECT_EQ(error.param, test.param);
        EXPECT_EQ(error.message, test.message);
    }
}

}  // namespace
}  // namespace headgate::providers
