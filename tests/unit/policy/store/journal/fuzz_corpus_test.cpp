// The seeds of the fuzz target, through the same checks.
#include "tests/fuzz/journal_check.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace headgate::fuzz {
namespace {

/// Seeds are cut at so many places.
constexpr std::size_t kCuts = 80;

TEST(FuzzCorpus, HoldsForTheJournal) {
    const std::filesystem::path folder =
        std::filesystem::path{HEADGATE_SOURCE_DIR} / "tests/fuzz/corpus/fuzz_journal";
    int seeds = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        std::ifstream file{entry.path(), std::ios::binary};
        const std::string seed{std::istreambuf_iterator<char>{file}, {}};
        EXPECT_NO_THROW(check_journal(seed)) << entry.path();
        for (std::size_t size = 0; size < seed.size(); size += 1 + seed.size() / kCuts) {
            EXPECT_NO_THROW(check_journal(seed.substr(0, size)))
                << entry.path() << " cut at " << size;
        }
        ++seeds;
    }
    EXPECT_GE(seeds, 15) << folder;
}

}  // namespace
}  // namespace headgate::fuzz
