#include "providers/simulator/text.h"

#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

TEST(SimulatorTokens, JoinedGiveTheTextBack) {
    for (const std::string text : {"", " ", "quiet river", "a,b!  c\n", "äöü€😀", "{\"a\":[1,2]}",
                                   "averyveryverylongwordwithoutend", "tail  "}) {
        const Speech speech{text};

        std::string joined;
        for (std::size_t i = 0; i < speech.ends.size(); ++i) {
            joined += speech.token(i);
        }
        EXPECT_EQ(joined, text);
        EXPECT_EQ(speech.tokens(), count_tokens(text));
    }
}

TEST(SimulatorTokens, CountsWordsMarksAndTailingSpace) {
    const std::pair<std::string_view, std::int64_t> cases[] = {
        {"", 0},         {"one", 1},   {"one two", 2},
        {"one, two", 3}, {"tail ", 2}, {"seventeenletters1", 2},
        {"\"a\"", 3}};
    for (const auto& [text, tokens] : cases) {
        EXPECT_EQ(count_tokens(text), tokens) << text;
    }
}

TEST(SimulatorTokens, NeverSplitACharacter) {
    const Speech speech{"€€€€€€€€€€€€€€€€€€€€"};  // three bytes each: 16 is within one

    for (std::size_t i = 0; i < speech.ends.size(); ++i) {
        EXPECT_EQ(speech.token(i).size() % 3, 0U);
    }
    EXPECT_GT(speech.ends.size(), 1U);
}

TEST(SimulatorTokens, ACutTextCountsWhatWasKept) {
    Speech speech{"one two, three four"};

    EXPECT_TRUE(speech.cut_to_tokens(3));

    EXPECT_EQ(speech.text, "one two,");
    EXPECT_EQ(count_tokens(speech.text), 3);
    EXPECT_FALSE(speech.cut_to_tokens(3));
}

TEST(SimulatorTokens, StopAtTheFirstOfSeveralStops) {
    Speech speech{"one two three"};

    EXPECT_TRUE(speech.cut_at({"three", "wo", "nine"}));

    EXPECT_EQ(speech.text, "one t");
    EXPECT_EQ(speech.tokens(), 2);
}

TEST(SimulatorWords, AreOneTokenEach) {
    Random random{7};

    EXPECT_EQ(count_tokens(words(random, 500)), 500);
}

TEST(SimulatorBase64, AgreesWithRfc4648) {
    const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"},
                                                                   {"\xff\xfe", "//4="}};
    for (const auto& [bytes, text] : cases) {
        EXPECT_EQ(base64_of(bytes), text);
    }
}

}  // namespace
}  // namespace headgate::providers
