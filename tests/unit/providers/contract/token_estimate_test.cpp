#include "providers/contract/token_estimate.h"

#include "providers/contract/text_tokens.h"
#include "tests/unit/providers/contract/token_fixtures.h"
#include "tests/unit/providers/contract/understood.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {
namespace {

constexpr std::int64_t kDearestImage = 48'169;

std::string chat_body(std::string_view text) {
    return R"({"model":"m","messages":[{"role":"user","content":)" + json_string(text) + "}]}";
}

TokenEstimate estimated(std::string_view path, std::string_view body) {
    return estimate_input(understood(path, body));
}

TEST(TokenGuess, StaysCloseToExactCountsInEachClass) {
    std::vector<double> errors;

    for (const TokenFixture& fixture : token_fixtures()) {
        if (fixture.kind == "nasty" || fixture.kind == "empty") {
            continue;
        }
        const double guess = static_cast<double>(guess_tokens(fixture.text)) / 1'000;
        const double error = std::abs(guess / static_cast<double>(fixture.o200k) - 1);
        EXPECT_LE(error, 0.22) << fixture.kind << ": " << guess << " of " << fixture.o200k;
        errors.push_back(error);
    }

    std::ranges::sort(errors);
    ASSERT_GE(errors.size(), 30U);
    EXPECT_LE(errors[errors.size() / 2], 0.06);
}

TEST(TokenGuess, ReadsEscapesAsWhatTheyStandFor) {
    for (const TokenFixture& fixture : token_fixtures()) {
        const std::string quoted = json_string(fixture.text);
        const std::string_view raw = std::string_view{quoted}.substr(1, quoted.size() - 2);
        const MilliTokens plain = guess_tokens(fixture.text);
        const MilliTokens escaped = guess_tokens_of_json(raw);

        // Texts with escapes go through a buffer piece by piece: each end may split a word.
        EXPECT_NEAR(static_cast<double>(escaped), static_cast<double>(plain), 2'000)
            << fixture.kind << " " << fixture.text.substr(0, 40);
    }
    EXPECT_EQ(guess_tokens_of_json(R"(\u0048ello \u4e16\u754c)"), guess_tokens("Hello 世界"));
    EXPECT_EQ(guess_tokens_of_json(R"(\ud83d\ude80)"), guess_tokens("\U0001f680"));
}

TEST(TokenGuess, NeverReadsBehindATextThatIsCutAnywhere) {
    const std::string text = "Ab 9\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80 \\u00e9\\n\\\\x\xff\x80";

    for (std::size_t begin = 0; begin <= text.size(); ++begin) {
        for (std::size_t end = begin; end <= text.size(); ++end) {
            const std::string part = text.substr(begin, end - begin);
            EXPECT_GE(guess_tokens(part), 0);
            EXPECT_LE(guess_tokens_of_json(part), 3'000 * static_cast<MilliTokens>(part.size()));
        }
    }
}

TEST(TokenEstimate, BoundsEveryTokenizerOfTheFamily) {
    for (const TokenFixture& fixture : token_fixtures()) {
        const std::string chat = chat_body(fixture.text);
        const std::string embeddings =
            R"({"model":"m","input":[)" + json_string(fixture.text) + "]}";
        const std::int64_t most = std::max({fixture.o200k, fixture.cl100k, fixture.r50k});
        constexpr std::int64_t kChatFrame = 7;  // three a message, its role, three for the answer

        const TokenEstimate in_chat = estimated(kChatPath, chat);
        const TokenEstimate alone = estimated("/v1/embeddings", embeddings);

        EXPECT_GE(in_chat.at_most.count, most + kChatFrame) << fixture.kind;
        EXPECT_GE(alone.at_most.count, most) << fixture.kind;
        EXPECT_LE(alone.guess.count, alone.at_most.count) << fixture.kind;
        EXPECT_TRUE(in_chat.is_bounded && alone.is_bounded);
    }
}

TEST(TokenEstimate, BoundsTextsWhoseEveryByteIsAToken) {
    // No byte-level tokenizer makes more of a text than its bytes.
    std::uint32_t seed = 1;
    for (int round = 0; round < 50; ++round) {
        std::string text;
        std::string escapes;
        for (int i = 0; i < 200; ++i) {
            seed = seed * 1'664'525 + 1'013'904'223;
            text += static_cast<char>(1 + (seed >> 24) % 127);
            escapes += "\\u00" + std::string{"0123456789abcdef"[(seed >> 28) % 8]} + "1";
        }
        const std::string chat = chat_body(text);
        const std::string escaped =
            R"({"model":"m","messages":[{"role":"user","content":")" + escapes + R"("}]})";

        EXPECT_GE(estimated(kChatPath, chat).at_most.count, 200 + 7) << round;
        EXPECT_GE(estimated(kChatPath, escaped).at_most.count, 200 + 7) << round;
        EXPECT_LE(estimated(kChatPath, escaped).guess.count, 600) << round;
    }
}

TEST(TokenEstimate, CountsTokenIdsExactly) {
    struct IdsCase {
        std::string_view path;
        std::string_view members;
        std::int64_t ids;
    };
    const IdsCase cases[] = {
        {"/v1/completions", R"("prompt":[1,2,3])", 3},
        {"/v1/completions", R"("prompt":[ 100257 , 0 ])", 2},
        {"/v1/embeddings", R"("input":[[1,2],[3,4,5]])", 5},
        {"/v1/embeddings", R"("input":[7])", 1},
    };

    for (const IdsCase& test : cases) {
        const std::string body = R"({"model":"m",)" + std::string{test.members} + "}";
        const TokenEstimate estimate = estimated(test.path, body);

        EXPECT_EQ(estimate.guess.count, test.ids) << test.members;
        EXPECT_EQ(estimate.at_most.count, test.ids) << test.members;
    }
}

TEST(TokenEstimate, CountsAPictureByWhatItCostsAndNotByItsBytes) {
    const std::string image = "data:image/png;base64," + std::string(400'000, 'A');
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},)"
        R"({"type":"image_url","image_url":{"url":")" +
        image + R"("}}]}]})";

    const TokenEstimate estimate = estimated(kChatPath, body);

    EXPECT_TRUE(estimate.is_bounded);
    EXPECT_GE(estimate.at_most.count, kDearestImage);
    EXPECT_LE(estimate.at_most.count, kDearestImage + 600);
    EXPECT_NEAR(static_cast<double>(estimate.guess.count), 765 + 4 + 4 + 3, 3);
}

TEST(TokenEstimate, TellsWhatTheBodyDoesNotBound) {
    struct BoundCase {
        std::string_view path;
        std::string_view members;
        bool is_bounded;
    };
    const BoundCase cases[] = {
        {kChatPath, R"("messages":[{"role":"user","content":"file_id"}])", true},
        {kChatPath, R"("messages":[{"content":[{"image_url":{"url":"https://a"}}]}])", false},
        {kChatPath,
         R"("messages":[{"content":[{"file":{"file_data":"data:application/pdf;base64,AA"}}]}])",
         false},
        {"/v1/responses",
         R"("input":[{"role":"user","content":[{"type":"input_file","file_data":"AA"}]}])", false},
        {"/v1/responses", R"("input":"x","previous_response_id":"resp_1")", false},
        {"/v1/responses", R"("input":"x","tools":[{"type":"web_search"}])", false},
        {"/v1/responses", R"("input":"x","tools":[{"type":"function","name":"f"}])", true},
        {"/v1/moderations", R"("input":[{"type":"image_url","image_url":{"url":"https://a"}}])",
         false},
    };

    for (const BoundCase& test : cases) {
        const std::string body = R"({"model":"m",)" + std::string{test.members} + "}";
        EXPECT_EQ(estimated(test.path, body).is_bounded, test.is_bounded) << test.members;
    }
}

TEST(TokenEstimate, CountsToolsAsTheyAreRendered) {
    // The count of the published rendering for this function, "hi" and the framing: 72.
    const std::string tool =
        R"({"type":"function","function":{"name":"get_weather","description":"Get the current weather in a given location","parameters":{"type":"object","properties":{"location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["location"]}}})";
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[)" + tool + "]}";

    const TokenEstimate estimate = estimated(kChatPath, body);

    EXPECT_NEAR(static_cast<double>(estimate.guess.count), 72, 8);
    EXPECT_GE(estimate.at_most.count, static_cast<std::int64_t>(2 * tool.size()));
}

TEST(TokenEstimate, CountsInstructionsToolCallsAndSchemas) {
    const std::string text = "Answer in one short sentence and cite the paragraph that you used.";
    const std::string quoted = json_string(text);
    const std::int64_t tokens = (guess_tokens(text) + 999) / 1'000;
    const std::string plain = R"({"model":"m","input":"hi"})";
    const std::string bodies[] = {
        R"({"model":"m","input":"hi","instructions":)" + quoted + "}",
        R"({"model":"m","input":[{"role":"user","content":"hi"},{"type":"function_call","name":"f","arguments":)" +
            quoted + "}]}",
        R"({"model":"m","input":"hi","text":{"format":{"type":"json_schema","schema":{"description":)" +
            quoted + "}}}}",
    };

    const std::int64_t alone = estimated("/v1/responses", plain).guess.count;

    for (const std::string& body : bodies) {
        const std::int64_t more = estimated("/v1/responses", body).guess.count - alone;
        EXPECT_GE(more, tokens) << body;
        EXPECT_LE(more, tokens + 12) << body;
    }
}

TEST(TokenEstimate, SamplesWhatIsLongAndStaysClose) {
    std::string text;
    for (const TokenFixture& fixture : token_fixtures()) {
        text += fixture.kind == "nasty" ? "" : fixture.text + "\n";
    }
    std::string many = R"({"model":"m","messages":[)";
    std::string one;
    for (int copy = 0; copy < 60; ++copy) {
        one += text;
        many += std::string{copy == 0 ? "" : ","} + R"({"role":"user","content":)" +
                json_string(text) + "}";
    }
    many += "]}";
    const double exact = 60 * static_cast<double>(guess_tokens(text)) / 1'000;

    const TokenEstimate of_one = estimated(kChatPath, chat_body(one));
    const TokenEstimate of_many = estimated(kChatPath, many);

    EXPECT_NEAR(static_cast<double>(of_one.guess.count), exact, exact * 0.15);
    EXPECT_NEAR(static_cast<double>(of_many.guess.count), exact, exact * 0.15);
    EXPECT_GE(of_one.at_most.count, static_cast<std::int64_t>(one.size()));
}

TEST(TokenEstimate, TakesAnyBodyThatIsUnderstood) {
    const std::string_view bodies[] = {
        R"({"model":"m"})",
        R"({"model":"m","messages":17})",
        R"({"model":"m","messages":"x","tools":null,"response_format":[[{}]]})",
        R"({"model":"m","messages":[[["a"]],{"content":{"file":{"file":{}}}},null,true,1.5]})",
        R"({"model":"m","tools":[1,"a",[{}],{"function":{"parameters":[[{"properties":[]}]]}}]})",
        R"({"model":"m","functions":{"name":{"x":1}},"response_format":"json"})",
    };

    for (const std::string_view body : bodies) {
        const TokenEstimate estimate = estimated(kChatPath, body);
        EXPECT_GE(estimate.guess.count, 0) << body;
        EXPECT_LE(estimate.guess.count, estimate.at_most.count) << body;
    }
}

}  // namespace
}  // namespace headgate::providers
