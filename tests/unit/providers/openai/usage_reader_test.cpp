#include "providers/openai/usage_reader.h"

#include "tests/unit/providers/openai/stream_run.h"

namespace headgate::providers::openai {
namespace {

Usage usage_from(std::string_view json, UsageShape shape = UsageShape::completion) {
    JsonReader reader{json};
    reader.next();
    const Usage usage = read_usage(reader, shape);
    EXPECT_TRUE(reader.finish()) << json;
    return usage;
}

TEST(Usage, SplitsTheCountsOfAChatIntoDisjointClasses) {
    const Usage usage = usage_from(
        R"({"prompt_tokens":100,"completion_tokens":60,"total_tokens":160,
            "prompt_tokens_details":{"cached_tokens":40,"cache_write_tokens":10,"audio_tokens":20,
                                     "image_tokens":5,"text_tokens":75},
            "completion_tokens_details":{"reasoning_tokens":30,"audio_tokens":10,
                                         "accepted_prediction_tokens":3}})");

    EXPECT_EQ(usage, reported({{&Usage::input, 25},
                               {&Usage::cached_input, 40},
                               {&Usage::cache_write, 10},
                               {&Usage::output, 20},
                               {&Usage::reasoning, 30},
                               {&Usage::audio_input, 20},
                               {&Usage::audio_output, 10},
                               {&Usage::image_input, 5}}));
    EXPECT_EQ(usage.total_input(), Tokens{100});
    EXPECT_EQ(usage.total_output(), Tokens{60});
}

TEST(Usage, ReadsEachShapeByItsOwnNames) {
    constexpr std::string_view kBoth =
        R"({"prompt_tokens":1,"completion_tokens":2,"input_tokens":3,"output_tokens":4})";

    EXPECT_EQ(usage_from(kBoth, UsageShape::completion).input, Tokens{1});
    EXPECT_EQ(usage_from(kBoth, UsageShape::embedding).output, Tokens{2});
    EXPECT_EQ(usage_from(kBoth, UsageShape::response).input, Tokens{3});
    EXPECT_EQ(usage_from(kBoth, UsageShape::image).image_output, Tokens{4});
}

TEST(Usage, OfAnEmbeddingNeedsNoOutput) {
    EXPECT_EQ(usage_from(R"({"prompt_tokens":8,"total_tokens":8})", UsageShape::embedding),
              reported({{&Usage::input, 8}}));
    EXPECT_FALSE(usage_from(R"({"prompt_tokens":8,"total_tokens":8})").is_reported);
}

TEST(Usage, OfAPictureTakesTextOutputWhereItIsTold) {
    const Usage usage = usage_from(
        R"({"input_tokens":9,"output_tokens":50,"input_tokens_details":{"image_tokens":4},
            "output_tokens_details":{"image_tokens":45,"text_tokens":5}})",
        UsageShape::image);

    EXPECT_EQ(usage, reported({{&Usage::input, 5},
                               {&Usage::output, 5},
                               {&Usage::image_input, 4},
                               {&Usage::image_output, 45}}));
}

TEST(Usage, AddsUpToTheWholeWherePartsOverlap) {
    const Usage usage = usage_from(
        R"({"prompt_tokens":10,"completion_tokens":0,
            "prompt_tokens_details":{"cached_tokens":8,"audio_tokens":6}})");

    EXPECT_EQ(usage.cached_input, Tokens{8});
    EXPECT_EQ(usage.audio_input, Tokens{2});
    EXPECT_EQ(usage.total_input(), Tokens{10});
}

TEST(Usage, TakesReasoningThatIsToldBesideTheCompletion) {
    const Usage usage = usage_from(
        R"({"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,
            "completion_tokens_details":{"reasoning_tokens":94}})");

    EXPECT_EQ(usage, reported({{&Usage::input, 32}, {&Usage::output, 9}, {&Usage::reasoning, 94}}));
}

TEST(Usage, TakesNullDetailsForNone) {
    EXPECT_EQ(usage_from(R"({"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null,
                             "completion_tokens_details":{"reasoning_tokens":null}})"),
              reported({{&Usage::input, 1}, {&Usage::output, 2}}));
}

TEST(Usage, TakesTheLastOfCountsThatStandTwice) {
    EXPECT_EQ(usage_from(R"({"prompt_tokens":1,"completion_tokens":2,"prompt_tokens":7})").input,
              Tokens{7});
}

TEST(Usage, IsNotBelievedWhereItCannotBe) {
    for (
        const std::string_view json : {
            R"({})",
            R"({"prompt_tokens":1})",
            R"({"prompt_tokens":null,"completion_tokens":1})",
            R"({"prompt_tokens":-1,"completion_tokens":1})",
            R"({"prompt_tokens":1.5,"completion_tokens":1})",
            R"({"prompt_tokens":1e3,"completion_tokens":1})",
            R"({"prompt_tokens":"5","completion_tokens":1})",
            R"({"prompt_tokens":{"a":[1]},"completion_tokens":1})",
            R"({"prompt_tokens":1099511627777,"completion_tokens":1})",
            R"({"prompt_tokens":99999999999999999999,"completion_tokens":1})",
            R"({"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":6}})",
            R"({"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":-1}})",
            R"({"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":[6]})",
            R"({"prompt_tokens":5,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":2}})",
            R"({"prompt_tokens":5,"completion_tokens":1,"total_tokens":"x"})",
        }) {
        EXPECT_EQ(usage_from(json), Usage{}) << json;
    }
}

}  // namespace
}  // namespace headgate::providers::openai
