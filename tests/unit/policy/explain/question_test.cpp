#include "policy/explain/question.h"

namespace headgate::policy {
namespace {

using Kind = SupposedAnswer::Kind;

TEST(SupposedAnswer, IsAStatusOrAWordForAFailure) {
    EXPECT_EQ(parse_supposed_answer("connect")->kind, Kind::connect);
    EXPECT_EQ(parse_supposed_answer("timeout")->kind, Kind::timeout);
    EXPECT_EQ(parse_supposed_answer("cut")->kind, Kind::cut);
    EXPECT_EQ(parse_supposed_answer("200")->status, 200);
    EXPECT_EQ(parse_supposed_answer("599")->status, 599);
    EXPECT_EQ(parse_supposed_answer("429")->kind, Kind::status);
}

TEST(SupposedAnswer, IsNothingElse) {
    for (const std::string_view text :
         {"", "199", "600", "0200", "20", "+200", "-429", "429 ", " 429", "4e2", "Connect", "down",
          "99999999999999999999", "4\x00 9"}) {
        EXPECT_FALSE(parse_supposed_answer(text)) << text;
    }
}

}  // namespace
}  // namespace headgate::policy
