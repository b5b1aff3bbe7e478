#include "policy/store/postgres/params.h"

#include <gtest/gtest.h>

#include <limits>

namespace headgate::policy {
namespace {

using namespace std::string_literals;

std::string value_of(const PgParams& params, std::size_t index) {
    const PgParams::Value& value = params.values()[index];
    return {params.bytes() + value.offset, value.bytes};
}

TEST(PgParams, WritesScalarsInBinary) {
    PgParams params;

    params.text("a\0b"s).number(-2).number(258).boolean(true).null().text("");

    ASSERT_EQ(params.values().size(), 6U);
    EXPECT_EQ(value_of(params, 0), "a\0b"s);
    EXPECT_EQ(value_of(params, 1), "\xff\xff\xff\xff\xff\xff\xff\xfe"s);
    EXPECT_EQ(value_of(params, 2), "\0\0\0\0\0\0\1\2"s);
    EXPECT_EQ(value_of(params, 3), "\1"s);
    EXPECT_TRUE(params.values()[4].is_null);
    EXPECT_FALSE(params.values()[5].is_null);
    EXPECT_EQ(value_of(params, 5), "");
}

TEST(PgParams, WritesAnAbsentNumberAsNull) {
    PgParams params;

    params.number_or_null(std::nullopt).number_or_null(std::numeric_limits<std::int64_t>::min());

    EXPECT_TRUE(params.values()[0].is_null);
    EXPECT_FALSE(params.values()[1].is_null);
    EXPECT_EQ(value_of(params, 1), "\x80\0\0\0\0\0\0\0"s);
}

TEST(PgParams, WritesArraysAsTheServerReadsThem) {
    PgArray texts = PgArray::texts();
    texts.add("x");
    texts.add_null();
    texts.add("");
    PgArray numbers = PgArray::numbers();
    numbers.add(std::int64_t{5});
    PgParams params;

    params.array(texts).array(numbers).array(PgArray::texts());

    EXPECT_EQ(value_of(params, 0),
              "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\3\0\0\0\1"
              "\0\0\0\1x\xff\xff\xff\xff\0\0\0\0"s);
    EXPECT_EQ(value_of(params, 1),
              "\0\0\0\1\0\0\0\1\0\0\0\x14\0\0\0\1\0\0\0\1"
              "\0\0\0\x08\0\0\0\0\0\0\0\5"s);
    EXPECT_EQ(value_of(params, 2), "\0\0\0\0\0\0\0\1\0\0\0\x19"s);
}

}  // namespace
}  // namespace headgate::policy
