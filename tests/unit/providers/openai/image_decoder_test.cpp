#include "providers/openai/image_decoder.h"

#include "tests/unit/providers/openai/stream_run.h"

namespace headgate::providers::openai {
namespace {

StreamRun run_images(const std::vector<std::string_view>& pieces, std::int64_t pictures = 1) {
    return run(stream_request(Operation::image_generations, false, pictures), pieces);
}

constexpr std::string_view kWithoutUsage =
    "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\","
    "\"b64_json\":\"AA==\"}\n\n";

TEST(ImageStream, PassesUnchangedAndReadsTheUsageOfThePicture) {
    const std::string stream = fixture("image.sse");

    const StreamRun result = run_images({stream});

    EXPECT_EQ(result.out, stream);
    Usage expected =
        reported({{&Usage::input, 10}, {&Usage::image_input, 40}, {&Usage::image_output, 50}});
    expected.images = 1;
    EXPECT_EQ(result.usage, expected);
}

TEST(ImageStream, AddsUpTheUsageOfAllPictures) {
    const std::string stream = fixture("image.sse");

    const StreamRun result = run_images({stream, stream, "data: [DONE]\n\n", kWithoutUsage}, 3);

    EXPECT_EQ(result.state, StreamState::complete);
    EXPECT_EQ(result.usage.image_output, Tokens{100});
    EXPECT_EQ(result.usage.input, Tokens{20});
    EXPECT_EQ(result.usage.images, 3);
}

TEST(ImageStream, CountsPicturesWhereNoUsageIsTold) {
    EXPECT_EQ(run_images({kWithoutUsage}).usage, pictures(1));
}

TEST(ImageStream, IsCompleteWithFewerPicturesOnlyAtACleanEnd) {
    const ApiRequest request = stream_request(Operation::image_generations, false, 2);

    EXPECT_EQ(run(request, {kWithoutUsage}, true).state, StreamState::complete);
    EXPECT_EQ(run(request, {kWithoutUsage}, false).state, StreamState::cut);
    EXPECT_EQ(run(request, {}, true).state, StreamState::cut);
}

TEST(ImageStream, PassesAnErrorOfTheProvider) {
    for (const std::string_view event :
         {"event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"no\"}}\n\n",
          "event: error\ndata: {\"message\":\"no\"}\n\n",
          "data: {\"error\":{\"code\":\"x\"}}\n\n"}) {
        const StreamRun result = run_images({event, kWithoutUsage});

        EXPECT_EQ(result.state, StreamState::provider_error) << event;
        EXPECT_EQ(result.out, event);
    }
}

}  // namespace
}  // namespace headgate::providers::openai
