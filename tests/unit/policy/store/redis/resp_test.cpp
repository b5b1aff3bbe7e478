#include "policy/store/redis/resp.h"

#include <gtest/gtest.h>

#include <random>

namespace headgate::policy {

namespace {

using Kind = RespValue::Kind;

std::optional<RespValue> read_whole(std::string_view bytes) {
    RespReader reader;
    reader.feed(bytes);
    return reader.next();
}

TEST(RespReader, ReadsEveryKindOfReply) {
    EXPECT_EQ(read_whole("+OK\r\n")->text, "OK");
    EXPECT_EQ(read_whole(std::string_view{"$3\r\na\0b\r\n", 9})->text, (std::string{"a\0b", 3}));
    EXPECT_EQ(read_whole(":-42\r\n")->number, -42);
    EXPECT_EQ(read_whole("$-1\r\n")->kind, Kind::nil);
    EXPECT_EQ(read_whole("*-1\r\n")->kind, Kind::nil);
    EXPECT_EQ(read_whole("*0\r\n")->kind, Kind::list);
    const std::optional<RespValue> error = read_whole("-NOSCRIPT No matching script\r\n");
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, Kind::error);
    EXPECT_TRUE(error->is_error("NOSCRIPT"));
    EXPECT_FALSE(error->is_error("NOSCRIP"));
    EXPECT_FALSE(read_whole("+NOSCRIPT x\r\n")->is_error("NOSCRIPT"));
}

TEST(RespReader, ReadsListsInLists) {
    const std::optional<RespValue> list = read_whole("*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n+b\r\n");

    ASSERT_TRUE(list);
    ASSERT_EQ(list->items.size(), 3U);
    EXPECT_EQ(list->items[0].number, 1);
    EXPECT_EQ(list->items[1].items[0].text, "a");
    EXPECT_EQ(list->items[1].items[1].kind, Kind::nil);
    EXPECT_EQ(list->items[2].text, "b");
}

TEST(RespReader, GivesTheSameHoweverTheBytesAreSplit) {
    const std::string bytes = "*2\r\n$5\r\nhello\r\n:7\r\n+OK\r\n-ERR no\r\n";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        RespReader reader;
        std::vector<RespValue> replies;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            reader.feed(std::string_view{bytes}.substr(at, piece));
            while (std::optional<RespValue> reply = reader.next()) {
                replies.push_back(*std::move(reply));
            }
        }

        ASSERT_EQ(replies.size(), 3U) << piece;
        EXPECT_EQ(replies[0].items[0].text, "hello");
        EXPECT_EQ(replies[1].text, "OK");
        EXPECT_EQ(replies[2].text, "ERR no");
    }
}

TEST(RespReader, BreaksForGoodOnWhatIsNoReply) {
    for (const char* bytes : {"HTTP/1.1 400\r\n", ":1x\r\n", "$abc\r\n", "*x\r\n", "%1\r\n",
                              "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
        SCOPED_TRACE(bytes);
        RespReader reader;

        reader.feed(bytes);

        EXPECT_FALSE(reader.next());
        EXPECT_TRUE(reader.is_broken());
        reader.feed("+OK\r\n");
        EXPECT_FALSE(reader.next());
    }
}

TEST(RespReader, AllocatesNothingForWhatIsOnlyAnnounced) {
    for (const char* bytes : {"*2147483647\r\n", "*300000\r\n", "*1000\r\n*262144\r\n"}) {
        SCOPED_TRACE(bytes);
        RespReader reader;

        reader.feed(bytes);

        EXPECT_FALSE(reader.next());
        EXPECT_TRUE(reader.is_broken());
    }
}

TEST(RespReader, BreaksOnAReplyThatIsTooLarge) {
    RespReader reader;
    reader.feed("$1000000000\r\n");
    const std::string piece(std::size_t{1} << 20, 'x');

    for (int i = 0; i < 16 && !reader.is_broken(); ++i) {
        EXPECT_FALSE(reader.next());
        reader.feed(piece);
    }

    EXPECT_TRUE(reader.is_broken());
}

TEST(RespReader, ReadsAnyNumberOfRepliesThatAreSmall) {
    RespReader reader;
    const std::string reply = "$100000\r\n" + std::string(100'000, 'x') + "\r\n";

    for (int i = 0; i < 400; ++i) {  // 40 MB in all
        reader.feed(reply);
        ASSERT_TRUE(reader.next()) << i;
    }
}

TEST(RespReader, SurvivesAnyBytes) {
    std::mt19937 random{7};
    const std::string_view alphabet = "+-:$*0123456789\r\nab";
    for (int round = 0; round < 20'000; ++round) {
        RespReader reader;
        std::string bytes;
        for (int i = 0; i < 40; ++i) {
            bytes.push_back(alphabet[random() % alphabet.size()]);
        }

        reader.feed(bytes);
        while (reader.next()) {
        }
    }
}

TEST(RespCommand, IsAListOfTexts) {
    const std::string_view words[] = {"GET", "", std::string_view{"a\r\n", 3}};

    EXPECT_EQ(resp_command(words), "*3\r\n$3\r\nGET\r\n$0\r\n\r\n$3\r\na\r\n\r\n");
}

}  // namespace

}  // namespace headgate::policy
