// The seeds of the fuzz target, through the same checks.
#include "tests/fuzz/policy_loader_check.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace headgate::fuzz {
namespace {

/// Seeds up to this size are cut at every byte, longer ones at as many places.
constexpr std::size_t kCuts = 80;

TEST(FuzzCorpus, HoldsForThePolicyLoader) {
    const std::filesystem::path folder =
        std::filesystem::path{HEADGATE_SOURCE_DIR} / "tests/fuzz/corpus/fuzz_policy_loader";
    int seeds = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        std::ifstream file{entry.path(), std::ios::binary};
        const std::string seed{std::istreambuf_iterator<char>{file}, {}};
        EXPECT_NO_THROW(check_policy_loader(seed)) << entry.path();
        for (std::size_t size = 0; size < seed.size(); size += 1 + seed.size() / kCuts) {
            EXPECT_NO_THROW(check_policy_loader(seed.substr(0, size)))
                << entry.path() << " cut at " << size;
        }
        ++seeds;
    }
    EXPECT_GE(seeds, 10) << folder;
}

}  // namespace
}  // namespace headgate::fuzz
