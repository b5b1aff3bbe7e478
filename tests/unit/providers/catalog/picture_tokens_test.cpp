#include "providers/catalog/picture_tokens.h"

#include <gtest/gtest.h>

#include <string_view>

namespace headgate::providers {
namespace {

std::int64_t tokens(std::string_view model, std::string_view size, std::string_view quality) {
    const auto told = picture_tokens(model, size, quality);
    return told ? told->count : -1;
}

TEST(PictureTokens, AreThoseOfTheModelsTable) {
    EXPECT_EQ(tokens("gpt-image-1", "1024x1024", "low"), 272);
    EXPECT_EQ(tokens("gpt-image-1", "1024x1536", "medium"), 1'584);
    EXPECT_EQ(tokens("gpt-image-1.5-2025-12-16", "1536x1024", "high"), 6'208);
    EXPECT_EQ(tokens("chatgpt-image-latest", "1024x1024", "high"), 4'160);
    EXPECT_EQ(tokens("gpt-image-1-mini", "1024x1024", "medium"), 1'375);
    EXPECT_EQ(tokens("openai/gpt-image-1", "1024x1024", "low"), 272);
}

TEST(PictureTokens, AreThoseOfTheCalculatorWhereAnySizeIsTaken) {
    // The guide's calculator and the prices beside it, of 30 USD a million.
    EXPECT_EQ(tokens("gpt-image-2", "1024x1024", "low"), 196);
    EXPECT_EQ(tokens("gpt-image-2", "1024x1024", "medium"), 1'756);
    EXPECT_EQ(tokens("gpt-image-2", "1024x1024", "high"), 7'024);
    EXPECT_EQ(tokens("gpt-image-2", "1536x1024", "high"), 5'488);
    EXPECT_EQ(tokens("gpt-image-2", "1024x1536", "high"), 5'488);
    EXPECT_EQ(tokens("gpt-image-2", "960x720", "low"), 130);
    EXPECT_EQ(tokens("gpt-image-2-2026-04-21", "3840x2160", "high"), 13'342);
}

TEST(PictureTokens, AreTheDearestWhereTheRequestLeavesItOpen) {
    constexpr std::int64_t dearest = 23'719;  // 2880x2880, high
    for (const std::string_view size :
         {"", "auto", "1024", "x", "1024x", "0x1024", "1000x1000", "4096x4096", "3840x3840",
          "3840x16", "99999999999999999999x16", "-16x16", "1024x1024 ", "16x1024x16"}) {
        EXPECT_EQ(tokens("gpt-image-2", size, "high"), dearest) << size;
        EXPECT_EQ(tokens("gpt-image-1", size, "high"), 6'240) << size;
    }
    for (const std::string_view quality : {"", "auto", "hd", "HIGH", "standard"}) {
        EXPECT_EQ(tokens("gpt-image-1", "1024x1024", quality), 4'160) << quality;
    }
}

TEST(PictureTokens, AreTheDearestOfAllKnownForOtherModels) {
    EXPECT_EQ(tokens("painter", "1024x1024", "low"), 625);
    EXPECT_EQ(tokens("painter", "1024x1024", "medium"), 1'756);
    EXPECT_EQ(tokens("painter", "", ""), 23'719);
}

TEST(PictureTokens, AreNotKnownForQualitiesThatNoDocumentCounts) {
    for (const std::string_view model : {"gpt-image-2.5-flare", "gpt-image-1", "painter"}) {
        EXPECT_EQ(picture_tokens(model, "1024x1024", "xhigh"), std::nullopt) << model;
        EXPECT_EQ(picture_tokens(model, "1024x1024", "max"), std::nullopt) << model;
    }
}

}  // namespace
}  // namespace headgate::providers
