#include "policy/store/journal/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace headgate::policy::journal {
namespace {

TEST(Crc32c, GivesTheExamplesOfTheStandard) {
    std::string ascending(32, '\0');
    std::string descending(32, '\0');
    for (int i = 0; i < 32; ++i) {
        ascending[static_cast<std::size_t>(i)] = static_cast<char>(i);
        descending[static_cast<std::size_t>(i)] = static_cast<char>(31 - i);
    }
    // RFC 3720, B.4; the last is the check value of the catalogue of CRCs.
    const std::vector<std::pair<std::string, std::uint32_t>> examples{
        {std::string(32, '\0'), 0x8a9136aa},
        {std::string(32, '\xff'), 0x62a8ab43},
        {ascending, 0x46dd794e},
        {descending, 0x113fdb5c},
        {"", 0},
        {"123456789", 0xe3069283}};

    for (const auto& [bytes, checksum] : examples) {
        EXPECT_EQ(crc32c(bytes), checksum) << bytes;
        EXPECT_EQ(crc32c_by_table(bytes), checksum) << bytes;
    }
}

TEST(Crc32c, IsTheSameByTablesAndInPieces) {
    std::mt19937 random{1};
    std::string bytes;
    for (std::size_t size = 0; size < 300; ++size) {
        const std::string_view whole{bytes};
        const std::size_t cut = size == 0 ? 0 : random() % size;

        EXPECT_EQ(crc32c(whole), crc32c_by_table(whole)) << size;
        EXPECT_EQ(crc32c(whole.substr(cut), crc32c(whole.substr(0, cut))), crc32c(whole));
        EXPECT_EQ(crc32c_by_table(whole.substr(cut), crc32c_by_table(whole.substr(0, cut))),
                  crc32c(whole));

        bytes += static_cast<char>(random());
    }
}

}  // namespace
}  // namespace headgate::policy::journal
