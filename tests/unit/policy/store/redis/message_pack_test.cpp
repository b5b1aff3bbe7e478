#include "policy/store/redis/message_pack.h"

#include <gtest/gtest.h>

#include <limits>

namespace headgate::policy {

namespace {

std::string hex(const MessagePack& pack) {
    std::string text;
    for (const char byte : pack.bytes()) {
        constexpr std::string_view digits = "0123456789abcdef";
        text.push_back(digits[static_cast<unsigned char>(byte) >> 4]);
        text.push_back(digits[static_cast<unsigned char>(byte) & 15]);
    }
    return text;
}

// The forms are those of the specification, "Formats".

TEST(MessagePack, WritesNumbersInTheirShortestForm) {
    const std::pair<std::int64_t, const char*> cases[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cd0080"},
        {65'535, "cdffff"},
        {65'536, "ce00010000"},
        {4'294'967'295, "ceffffffff"},
        {4'294'967'296, "cf0000000100000000"},
        {std::numeric_limits<std::int64_t>::max(), "cf7fffffffffffffff"},
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d3ffffffffffffffdf"},
        {std::numeric_limits<std::int64_t>::min(), "d38000000000000000"},
    };
    for (const auto& [number, expected] : cases) {
        MessagePack pack;

        pack.number(number);

        EXPECT_EQ(hex(pack), expected) << number;
    }
}

TEST(MessagePack, WritesTextsWithTheirLength) {
    const std::pair<std::size_t, const char*> cases[] = {{0, "a0"},       {31, "bf"},
                                                         {32, "d920"},    {255, "d9ff"},
                                                         {256, "da0100"}, {65'536, "db00010000"}};
    for (const auto& [size, head] : cases) {
        MessagePack pack;

        pack.text(std::string(size, '\0'));

        EXPECT_EQ(hex(pack), head + std::string(2 * size, '0'));
    }
}

TEST(MessagePack, WritesListsByTheirSize) {
    const std::pair<std::size_t, const char*> cases[] = {
        {0, "90"}, {15, "9f"}, {16, "dc0010"}, {65'535, "dcffff"}, {65'536, "dd00010000"}};
    for (const auto& [size, expected] : cases) {
        MessagePack pack;

        pack.list(size);

        EXPECT_EQ(hex(pack), expected);
    }
}

}  // namespace

}  // namespace headgate::policy
