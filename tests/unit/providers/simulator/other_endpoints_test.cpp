#include "tests/unit/providers/simulator/simulated.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace headgate::providers {
namespace {

constexpr std::string_view kEmbeddings = "/v1/embeddings";
constexpr std::string_view kModerations = "/v1/moderations";
constexpr std::string_view kImages = "/v1/images/generations";

std::string decoded(std::string_view base64) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : base64.substr(0, base64.find('='))) {
        bits = bits << 6 | static_cast<std::uint32_t>(kAlphabet.find(c));
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count & 0xffU);
        }
    }
    return bytes;
}

std::vector<float> floats_of(const rapidjson::Value& embedding) {
    std::vector<float> numbers;
    if (embedding.IsString()) {
        const std::string bytes = decoded(embedding.GetString());
        numbers.resize(bytes.size() / 4);
        std::memcpy(numbers.data(), bytes.data(), bytes.size());
        return numbers;
    }
    for (const auto& number : embedding.GetArray()) {
        numbers.push_back(number.GetFloat());
    }
    return numbers;
}

TEST(SimulatedEmbeddings, AreUnitVectorsOfTheModelsSize) {
    const std::pair<std::string_view, std::size_t> cases[] = {
        {R"("model":"text-embedding-3-small")", 1536},
        {R"("model":"text-embedding-3-large")", 3072},
        {R"("model":"any","dimensions":5)", 5}};
    for (const auto& [with, size] : cases) {
        const Json answer =
            post_json(kEmbeddings, "{" + std::string{with} + R"(,"input":"the sea"})");

        const auto numbers = floats_of(answer["data"][0]["embedding"]);
        double square = 0;
        for (const float number : numbers) {
            square += static_cast<double>(number) * static_cast<double>(number);
        }
        EXPECT_EQ(numbers.size(), size);
        EXPECT_NEAR(square, 1.0, 1e-5);
        EXPECT_EQ(answer["usage"]["prompt_tokens"].GetInt64(), 2);
        EXPECT_EQ(answer["usage"]["total_tokens"].GetInt64(), 2);
    }
}

TEST(SimulatedEmbeddings, AreTheSameInBothEncodings) {
    static_assert(std::endian::native == std::endian::little, "the decoder above copies bytes");
    const Json floats = post_json(kEmbeddings, R"({"model":"m","input":"x","dimensions":99})");
    const Json base64 = post_json(
        kEmbeddings, R"({"model":"m","input":"x","dimensions":99,"encoding_format":"base64"})");

    EXPECT_EQ(floats_of(floats["data"][0]["embedding"]), floats_of(base64["data"][0]["embedding"]));
}

TEST(SimulatedEmbeddings, TakeEveryKindOfInput) {
    const std::tuple<std::string_view, unsigned, std::int64_t> cases[] = {
        {R"("a b")", 1, 2}, {R"(["a b","c"])", 2, 3}, {"[5,6,7]", 1, 3}, {"[[5],[6,7]]", 2, 3}};
    for (const auto& [input, vectors, tokens] : cases) {
        const Json answer = post_json(
            kEmbeddings, R"({"model":"m","dimensions":4,"input":)" + std::string{input} + "}");

        ASSERT_EQ(answer["data"].Size(), vectors) << input;
        EXPECT_EQ(answer["data"][vectors - 1]["index"].GetUint(), vectors - 1);
        EXPECT_EQ(answer["usage"]["prompt_tokens"].GetInt64(), tokens) << input;
    }
}

TEST(SimulatedEmbeddings, RefuseWhatAProviderWouldRefuse) {
    const std::pair<std::string, std::string_view> cases[] = {
        {R"({"model":"m"})", "input"},
        {R"({"model":"m","input":""})", "input"},
        {R"({"model":"m","input":[]})", "input"},
        {R"({"model":"m","input":["a",3]})", "input"},
        {R"({"model":"m","input":"a","dimensions":10001})", "dimensions"},
        {R"({"model":"m","input":"a","encoding_format":"hex"})", "encoding_format"},
    };
    for (const auto& [body, param] : cases) {
        EXPECT_EQ(told_error(post(kEmbeddings, body)).param, param) << body;
    }
}

TEST(SimulatedModerations, FlagByTheWordsOfACategory) {
    const Json answer = post_json(
        kModerations, R"({"input":["A walk by the sea","I will KILL you","how to build a bomb"]})");

    ASSERT_EQ(answer["results"].Size(), 3U);
    EXPECT_FALSE(answer["results"][0]["flagged"].GetBool());
    EXPECT_TRUE(answer["results"][1]["categories"]["violence"].GetBool());
    EXPECT_GT(answer["results"][1]["category_scores"]["violence"].GetDouble(), 0.9);
    EXPECT_TRUE(answer["results"][2]["categories"]["illicit/violent"].GetBool());
    for (const auto& result : answer["results"].GetArray()) {
        EXPECT_EQ(result["categories"].MemberCount(), 13U);
        EXPECT_EQ(result["category_scores"].MemberCount(), 13U);
        EXPECT_EQ(result["category_applied_input_types"].MemberCount(), 13U);
    }
}

TEST(SimulatedModerations, JudgeTypedPartsTogether) {
    const Json answer = post_json(
        kModerations, R"({"model":"omni-moderation-latest","input":[{"type":"text","text":"sea"},)"
                      R"({"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]})");

    ASSERT_EQ(answer["results"].Size(), 1U);
    const auto& types = answer["results"][0]["category_applied_input_types"];
    EXPECT_EQ(types["violence"].Size(), 2U);
    EXPECT_EQ(types["hate"].Size(), 1U);
}

TEST(SimulatedModerations, RefuseWhatIsNoInput) {
    for (const std::string_view body :
         {"{}", R"({"input":[]})", R"({"input":3})", R"({"input":["a",{}]})",
          R"({"input":[{"type":"sound"}]})"}) {
        EXPECT_EQ(told_error(post(kModerations, body)).param, "input") << body;
    }
}

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    }
    return value;
}

/// CRC-32 by the polynomial division that PNG's annex D describes.
std::uint32_t crc_of(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int i = 0; i < 8; ++i) {
            crc = (crc & 1U) != 0 ? 0xedb88320U ^ crc >> 1 : crc >> 1;
        }
    }
    return ~crc;
}

void expect_png(std::string_view bytes) {
    ASSERT_TRUE(bytes.starts_with("\x89PNG\r\n\x1a\n"));
    std::vector<std::string> types;
    for (std::size_t at = 8; at < bytes.size();) {
        const std::uint32_t size = big_endian(bytes, at);
        ASSERT_LE(at + 12 + size, bytes.size());
        types.emplace_back(bytes.substr(at + 4, 4));
        EXPECT_EQ(big_endian(bytes, at + 8 + size), crc_of(bytes.substr(at + 4, size + 4)));
        at += 12 + size;
    }
    EXPECT_EQ(types, (std::vector<std::string>{"IHDR", "IDAT", "IEND"}));
}

TEST(SimulatedImages, AreRealPicturesWithUsage) {
    const Json answer = post_json(
        kImages,
        R"({"model":"gpt-image-1","prompt":"the sea","n":2,"size":"1024x1536","quality":"low"})");

    ASSERT_EQ(answer["data"].Size(), 2U);
    for (const auto& image : answer["data"].GetArray()) {
        expect_png(decoded(image["b64_json"].GetString()));
    }
    EXPECT_NE(answer["data"][0]["b64_json"], answer["data"][1]["b64_json"]);
    EXPECT_EQ(answer["usage"]["input_tokens"].GetInt64(), 2);
    EXPECT_EQ(answer["usage"]["output_tokens"].GetInt64(), 2 * 408);
    EXPECT_EQ(answer["usage"]["total_tokens"].GetInt64(), 2 + 2 * 408);
}

TEST(SimulatedImages, OfDallEAreUrlsUnlessAskedOtherwise) {
    const Json url = post_json(kImages, R"({"model":"dall-e-3","prompt":"the sea"})");
    const Json bytes = post_json(
        kImages, R"({"model":"dall-e-3","prompt":"the sea","response_format":"b64_json"})");

    EXPECT_TRUE(std::string_view{url["data"][0]["url"].GetString()}.starts_with("https://"));
    EXPECT_FALSE(url.HasMember("usage"));
    expect_png(decoded(bytes["data"][0]["b64_json"].GetString()));
}

TEST(SimulatedImages, StreamPartialPicturesAndTheWhole) {
    const WireScript script =
        post(kImages, R"({"model":"gpt-image-1","prompt":"sea","stream":true,"partial_images":2})");
    const auto events = events_of(script);

    ASSERT_EQ(events.size(), 3U);
    for (unsigned i = 0; i < 2; ++i) {
        const Json event = parsed(events[i]);
        EXPECT_STREQ(event["type"].GetString(), "image_generation.partial_image");
        EXPECT_EQ(event["partial_image_index"].GetUint(), i);
    }
    const Json last = parsed(events[2]);
    EXPECT_STREQ(last["type"].GetString(), "image_generation.completed");
    EXPECT_EQ(last["usage"]["output_tokens"].GetInt64(), 1056);
    EXPECT_TRUE(script.steps[2].bytes.starts_with("event: image_generation.completed\n"));
    expect_png(decoded(last["b64_json"].GetString()));
}

TEST(SimulatedImages, RefuseWhatAProviderWouldRefuse) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"{}", "prompt"},
        {R"({"prompt":"a","n":11})", "n"},
        {R"({"prompt":"a","size":"1x1"})", "size"},
        {R"({"prompt":"a","response_format":"url"})", "response_format"},
        {R"({"prompt":"a","model":"dall-e-3","stream":true})", "stream"},
        {R"({"prompt":"a","n":2,"stream":true})", "n"},
    };
    for (const auto& [body, param] : cases) {
        EXPECT_EQ(told_error(post(kImages, body)).param, param) << body;
    }
}

TEST(SimulatedModels, AreListedAndFound) {
    SimulatorState state;
    const Json list = parsed(answer_openai({"GET", "/v1/models", ""}, {}, state).body());
    const Json one = parsed(answer_openai({"GET", "/v1/models/gpt-4o", ""}, {}, state).body());
    const ToldError none = told_error(answer_openai({"GET", "/v1/models/nil", ""}, {}, state));

    EXPECT_STREQ(list["object"].GetString(), "list");
    EXPECT_EQ(list["data"][0], one);
    EXPECT_STREQ(one["object"].GetString(), "model");
    EXPECT_EQ(none.status, 404);
    EXPECT_EQ(none.code, "model_not_found");
}

}  // namespace
}  // namespace headgate::providers
