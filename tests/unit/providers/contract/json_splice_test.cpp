#include "providers/contract/json_splice.h"

#include "providers/contract/json_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace headgate::providers {
namespace {

std::string joined(const SplicedText::Pieces& pieces) {
    std::string text;
    for (std::size_t i = 0; i < pieces.count; ++i) {
        EXPECT_FALSE(pieces.items[i].empty());
        text += pieces.items[i];
    }
    return text;
}

TEST(SplicedText, IsItsOriginalWhereNothingWasEdited) {
    const std::string original = R"({"model":"a"})";

    const SplicedText text{original};

    EXPECT_FALSE(text.is_edited());
    EXPECT_EQ(text.size(), original.size());
    EXPECT_EQ(text.pieces().count, 1U);
    EXPECT_EQ(text.pieces().items[0].data(), original.data());
}

TEST(SplicedText, ReplacesInsertsAndRemoves) {
    SplicedText text{"0123456789"};

    text.replace({0, 0}, "<");
    text.replace({2, 5}, "two-to-four");
    text.replace({5, 6}, "");
    text.replace({10, 10}, ">");

    EXPECT_TRUE(text.is_edited());
    EXPECT_EQ(text.to_string(), "<01two-to-four6789>");
    EXPECT_EQ(text.size(), text.to_string().size());
    EXPECT_EQ(joined(text.pieces()), text.to_string());
}

TEST(SplicedText, KeepsTheOrderOfInsertionsInOnePlace) {
    SplicedText text{"ab"};

    text.replace({1, 1}, "1");
    text.replace({1, 1}, "2");
    text.replace({1, 2}, "3");

    EXPECT_EQ(text.to_string(), "a123");
}

TEST(SplicedText, HasNoPiecesWhereNothingIsLeft) {
    SplicedText text{"abc"};

    text.replace({0, 3}, "");

    EXPECT_EQ(text.size(), 0U);
    EXPECT_EQ(text.pieces().count, 0U);
    EXPECT_EQ(SplicedText{}.pieces().count, 0U);
}

TEST(SplicedText, ThrowsRatherThanSendWhatWasNotMeant) {
    SplicedText text{"0123456789"};
    text.replace({4, 6}, "x");

    EXPECT_THROW(text.replace({5, 7}, "x"), std::out_of_range);
    EXPECT_THROW(text.replace({8, 7}, "x"), std::out_of_range);
    EXPECT_THROW(text.replace({8, 11}, "x"), std::out_of_range);
    for (std::size_t i = 1; i < SplicedText::kMaxEdits; ++i) {
        text.replace({6, 6}, "x");
    }
    EXPECT_THROW(text.replace({8, 8}, "x"), std::length_error);
    EXPECT_EQ(text.to_string(), "0123xxxx6789");
}

TEST(SplicedText, KeepsCopiesOfWhatDoesNotOutliveTheEdit) {
    SplicedText text{"0123456789"};
    {
        std::string digits = "12345";
        text.replace_by_copy({1, 3}, digits);
        text.replace({3, 3}, "-");
        text.replace_by_copy({9, 10}, digits);
        digits.assign(5, 'x');
    }
    const SplicedText moved = std::move(text);

    EXPECT_EQ(moved.to_string(), "012345-34567812345");
    EXPECT_EQ(moved.size(), moved.to_string().size());
    EXPECT_EQ(joined(moved.pieces()), moved.to_string());
}

TEST(SplicedText, KeepsNoMoreThanItHasRoomFor) {
    SplicedText text{"0123456789"};
    text.replace_by_copy({0, 1}, std::string(SplicedText::kMaxOwned - 1, 'a'));

    EXPECT_THROW(text.replace_by_copy({1, 2}, "bc"), std::length_error);
    text.replace_by_copy({1, 2}, "b");
    text.replace_by_copy({2, 3}, "");
    EXPECT_EQ(text.to_string(), std::string(SplicedText::kMaxOwned - 1, 'a') + "b3456789");
}

/// A random JSON value with blanks, escapes, and texts of several bytes a character.
std::string random_value(std::mt19937& random, int depth) {
    static const std::vector<std::string> kScalars = {
        "0", "-1.5e3", "true", "null", R"("")", R"("a\"]}\u0041")", "\"\u00e9\U0001f600\""};
    static const std::vector<std::string> kBlanks = {"", " ", "\n\t"};
    const auto blank = [&random] { return kBlanks[random() % kBlanks.size()]; };
    const std::uint32_t kind = depth == 0 ? 0 : random() % 3;
    if (kind == 0) {
        return kScalars[random() % kScalars.size()];
    }
    const bool is_object = kind == 1;
    std::string text = is_object ? "{" : "[";
    const std::uint32_t count = random() % 4;
    for (std::uint32_t i = 0; i < count; ++i) {
        text += (i == 0 ? "" : ",") + blank();
        text += is_object ? "\"k" + std::to_string(i) + "\"" + blank() + ":" : "";
        text += blank() + random_value(random, depth - 1) + blank();
    }
    return text + (is_object ? "}" : "]");
}

TEST(SplicedText, LeavesRandomDocumentsValidAndElsewhereByteIdentical) {
    for (std::uint32_t seed = 0; seed < 500; ++seed) {
        std::mt19937 random{seed};
        const std::string first = "[" + random_value(random, 4) + ",";
        const std::string middle = "," + random_value(random, 4) + ",";
        const std::string last = "," + random_value(random, 3) + "]";
        const std::string one = random_value(random, 2);
        const std::string two = random_value(random, 2);
        const std::string new_one = random_value(random, 3);
        const std::string new_two = random_value(random, 1);
        const std::string original = first + one + middle + two + last;
        SplicedText text{original};

        const std::size_t at_one = first.size();
        const std::size_t at_two = at_one + one.size() + middle.size();
        text.replace({1, 1}, "\"spliced\",");
        text.replace({at_one, at_one + one.size()}, new_one);
        text.replace({at_two, at_two + two.size()}, new_two);

        const std::string spliced = text.to_string();
        EXPECT_EQ(spliced, "[\"spliced\"," + first.substr(1) + new_one + middle + new_two + last)
            << "seed " << seed;
        EXPECT_EQ(joined(text.pieces()), spliced) << "seed " << seed;
        EXPECT_EQ(text.size(), spliced.size()) << "seed " << seed;
        EXPECT_TRUE(JsonReader{spliced}.finish()) << "seed " << seed;
    }
}

}  // namespace
}  // namespace headgate::providers
