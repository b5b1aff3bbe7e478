#include "providers/contract/answer_tokens.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {
namespace {

/// A text as o200k_base cuts it, the inside of a JSON string, with a bar between its tokens. A
/// character of several tokens is left whole, as servers leave it.
struct CutText {
    std::int64_t tokens;
    std::string_view cut;
};

constexpr CutText kTexts[] = {
    // clang-format off
    {36,
     R"__(A| gateway| that| breaks| off| in| the| midst| of| an| answer| still| owes| its| operator| an| account| of| what| was| used|,| and| the| nearest| thing| to| a| bill| is| the| text| that| went| through|.)__"},
    {29,
     R"__(Ein| Angebot| gilt| erst| dann| als| angenommen|,| wenn| beide| Seiten| untersch|rieben| haben|;| bis| dahin| kann| es| jederzeit| ohne| Ang|abe| von| Gründen| zurück|gezogen| werden|.)__"},
    {31,
     R"__(如果|服务器|在|回答|中|途|断|开|连接|，|网|关|就|必须|自己|计算|已经|发送|了|多少|文字|，因为|没有|人|会|告诉|它|准确|的|数量|。)__"},
    {33,
     R"__(Если| соедин|ение| пр|ерв|ётся| пос|реди| ответа|,| шлю|з| должен| сам| пос|читать|,| сколько| слов| уже| было| отправ|лено|,| потому| что| никто| другой| этого| не| скаж|ет|.)__"},
    {32,
     R"__(अगर| जवाब| के| बीच| में| क|नेक|्शन| टूट| जाए| तो| ग|ेट|वे| को| खुद| ग|िन|ना| पड़|ता| है| कि| कित|ने| शब्द| भेज|े| जा| चुके| हैं|।)__"},
    {30,
     R"__(def| mean|(values|):\n|   | total| =| sum|(values|)\n|   | if| not| values|:\n|       | raise| Value|Error|(\"|no| values|\")\n|   | return| total| /| len|(values|)\n)__"},
    {48,
     R"__({\"|name|\":| \"|get|_weather|\",| \"|arguments|\":| {\"|city|\":| \"|Os|lo|\",| \"|days|\":| |3|,| \"|units|\":| \"|c|elsius|\",| \"|at|\":| \"|202|6|-|01|-|31|T|08|:|00|:|00|Z|\"}})__"},
    // clang-format on
};

std::vector<std::string> pieces_of(std::string_view cut) {
    std::vector<std::string> pieces(1);
    for (const char c : cut) {
        if (c == '|') {
            pieces.emplace_back();
        } else {
            pieces.back() += c;
        }
    }
    return pieces;
}

/// Neighbours joined, so many to a piece.
std::vector<std::string> joined(const std::vector<std::string>& pieces, std::size_t count) {
    std::vector<std::string> result;
    for (std::size_t at = 0; at < pieces.size(); ++at) {
        if (at % count == 0) {
            result.emplace_back();
        }
        result.back() += pieces[at];
    }
    return result;
}

std::int64_t counted(const std::vector<std::string>& deltas) {
    AnswerTokens tokens;
    for (const std::string& delta : deltas) {
        tokens.add(delta);
    }
    return tokens.total().count;
}

TEST(AnswerTokens, AreTheDeltasWhereEachIsAToken) {
    for (const CutText& text : kTexts) {
        const std::vector<std::string> deltas = pieces_of(text.cut);

        EXPECT_EQ(counted(deltas), static_cast<std::int64_t>(deltas.size())) << text.cut;
        EXPECT_NEAR(static_cast<double>(counted(deltas)), static_cast<double>(text.tokens), 2)
            << text.cut;
    }
}

TEST(AnswerTokens, AreGuessedFromTheTextWhereADeltaIsSeveralTokens) {
    for (const CutText& text : kTexts) {
        for (const std::size_t count : {2U, 3U, 5U, 1'000U}) {
            const auto exact = static_cast<double>(text.tokens);

            const auto found = static_cast<double>(counted(joined(pieces_of(text.cut), count)));

            EXPECT_NEAR(found, exact, 0.25 * exact + 1) << count << " a delta: " << text.cut;
        }
    }
}

TEST(AnswerTokens, DependLittleOnWhereAWordIsCut) {
    const std::string text = "An unmistakable characteristic of bureaucracies is incomprehensible";
    const std::int64_t whole = counted({text});

    for (std::size_t at = 1; at < text.size(); ++at) {
        EXPECT_EQ(counted({text.substr(0, at), text.substr(at)}), whole) << at;
    }
}

TEST(AnswerTokens, OfALongTextAreThoseOfItsParts) {
    std::vector<std::string> many;
    for (int i = 0; i < 1'000; ++i) {
        many.emplace_back(" the quick brown fox jumps over");
    }
    many.emplace_back(5'000, 'A');  // longer than what is held

    const auto found = static_cast<double>(counted(many));

    const auto expected = static_cast<double>(guess_tokens(" the quick brown fox jumps over")) +
                          static_cast<double>(guess_tokens(many.back())) / 1'000;
    EXPECT_NEAR(found, expected, 0.01 * expected);
}

TEST(AnswerTokens, OfPartsInTurnsAreNotJoined) {
    AnswerTokens apart;
    MilliTokens expected = 0;
    for (const std::string_view words : {"How is it going with un", "believable things of in"}) {
        for (const std::int64_t part : {0, 1}) {
            apart.add(words, part);
            expected += guess_tokens(words);
        }
    }

    EXPECT_EQ(apart.total().count, (expected + 999) / 1'000);
}

TEST(AnswerTokens, OfATextThatIsNotEmptyAreOneAtLeast) {
    EXPECT_EQ(counted({}), 0);
    EXPECT_EQ(counted({"", ""}), 0);
    for (const std::string_view text :
         {" ", "a", ".", "\\n", "\xcc\x81", "\xff", "\\u0000", "\\ud83d"}) {
        EXPECT_GE(counted({std::string{text}}), 1) << text;
        EXPECT_LE(counted({std::string{text}}), 2) << text;
    }
}

TEST(AnswerTokens, ReadEscapesAsWhatTheyStandFor) {
    EXPECT_EQ(counted({"\\u0048ello ", "\\u4e16\\u754c, how is it today"}),
              counted({"Hello ", "\u4e16\u754c, how is it today"}));
}

}  // namespace
}  // namespace headgate::providers
