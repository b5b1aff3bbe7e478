#pragma once

#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

/// A text and what three of OpenAI's tokenizers count for it (fixtures/token_counts.json: texts
/// written for these tests; counts by the published rank files, special tokens taken as text).
struct TokenFixture {
    std::string kind;
    std::string text;
    std::int64_t o200k = 0;
    std::int64_t cl100k = 0;
    std::int64_t r50k = 0;
};

inline std::vector<TokenFixture> token_fixtures() {
    std::ifstream file{HEADGATE_FIXTURES "/token_counts.json", std::ios::binary};
    const std::string json{std::istreambuf_iterator<char>{file}, {}};
    rapidjson::Document document;
    document.Parse(json.data(), json.size());
    EXPECT_TRUE(document.IsArray() && document.Size() > 40);
    std::vector<TokenFixture> fixtures;
    if (document.IsArray()) {
        for (const auto& row : document.GetArray()) {
            const auto text = [&row](const char* name) {
                return std::string{row[name].GetString(), row[name].GetStringLength()};
            };
            fixtures.push_back({.kind = text("class"),
                                .text = text("text"),
                                .o200k = row["o200k"].GetInt64(),
                                .cl100k = row["cl100k"].GetInt64(),
                                .r50k = row["r50k"].GetInt64()});
        }
    }
    return fixtures;
}

/// `text` as a JSON string with its quotes.
inline std::string json_string(std::string_view text) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace headgate::providers
