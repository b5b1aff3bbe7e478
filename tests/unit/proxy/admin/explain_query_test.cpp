#include "proxy/admin/explain_query.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace headgate::proxy {
namespace {

TEST(ExplainQuery, ReadsAllItsParameters) {
    const auto question = question_from(
        "project=web&model=openai%2Fgpt-5&endpoint=responses&stream=true&header=X-Tier:gold"
        "&header=x-team%3D%20red+team%20");

    ASSERT_TRUE(question.has_value()) << question.error().message;
    EXPECT_EQ(question->project, "web");
    EXPECT_EQ(question->model, "openai/gpt-5");
    EXPECT_EQ(question->endpoint, "responses");
    EXPECT_TRUE(question->stream);
    const std::vector<std::pair<std::string, std::string>> headers{{"x-tier", "gold"},
                                                                   {"x-team", "red team"}};
    EXPECT_EQ(question->headers, headers);
}

TEST(ExplainQuery, AsksForAnUnstreamedChatUnlessTold) {
    const auto question = question_from("model=gpt-5&project=web&");

    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(question->endpoint, "chat");
    EXPECT_FALSE(question->stream);
    EXPECT_TRUE(question->headers.empty());
}

TEST(ExplainQuery, NamesTheParameterAtFault) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "project"},
        {"model=gpt-5", "project"},
        {"project=web", "model"},
        {"project=&model=gpt-5", "project"},
        {"project=web&model=gpt-5&modle=x", "modle"},
        {"project=web&model=gpt-5&" + std::string(5'000, 'a') + "=x", std::string(64, 'a')},
        {"project=web&model=gpt-5&model=gpt-4", "model"},
        {"project=web&model=gpt-5&stream=yes", "stream"},
        {"project=web&model=gpt-5&stream", "stream"},
        {"project=web&model=%", "model"},
        {"project=web&model=%4", "model"},
        {"project=web&model=%zz", "model"},
        {"project=web&model=%-1", "model"},
        {"project=web&model=gpt%00", "model"},
        {"project=web&model=gpt-5&header=x-a:b%0d%0ac", "header"},
        {"project=web&model=gpt-5&header=novalue", "header"},
        {"project=web&model=gpt-5&header=:gold", "header"},
        {"project=web&model=gpt-5&header=x%20y:gold", "header"},
        {"project=web&%zz=1", ""},
    };
    for (const auto& [query, param] : cases) {
        const auto question = question_from(query);

        ASSERT_FALSE(question.has_value()) << query;
        EXPECT_EQ(question.error().code, providers::ErrorCode::invalid_request) << query;
        EXPECT_EQ(question.error().param, param) << query;
    }
}

TEST(ExplainQuery, BoundsTheNumberOfParameters) {
    std::string query = "project=web&model=gpt-5";
    for (int i = 0; i < 98; ++i) {
        query += "&header=x:y";
    }

    EXPECT_TRUE(question_from(query).has_value());
    EXPECT_FALSE(question_from(query + "&header=x:y").has_value());
}

}  // namespace
}  // namespace headgate::proxy
