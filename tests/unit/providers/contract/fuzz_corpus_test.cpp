// The seeds of the fuzz targets, through the same checks.
#include "tests/fuzz/json_reader_check.h"
#include "tests/fuzz/sse_parser_check.h"
#include "tests/fuzz/understand_check.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace headgate::fuzz {
namespace {

using Check = void (*)(std::string_view);

/// Runs every seed of a target, and every beginning of it: cut texts are what networks give.
void run_corpus(std::string_view target, Check check) {
    const std::filesystem::path folder =
        std::filesystem::path{HEADGATE_SOURCE_DIR} / "tests/fuzz/corpus" / target;
    int seeds = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        std::ifstream file{entry.path(), std::ios::binary};
        const std::string seed{std::istreambuf_iterator<char>{file}, {}};
        for (std::size_t size = 0; size <= seed.size(); ++size) {
            EXPECT_NO_THROW(check(seed.substr(0, size))) << entry.path() << " cut at " << size;
        }
        ++seeds;
    }
    EXPECT_GE(seeds, 10) << folder;
}

TEST(FuzzCorpus, HoldsForTheJsonReader) {
    run_corpus("fuzz_json_reader", check_json_reader);
}

TEST(FuzzCorpus, HoldsForTheSseParser) {
    run_corpus("fuzz_sse_parser", check_sse_parser);
}

TEST(FuzzCorpus, HoldsForUnderstand) {
    run_corpus("fuzz_understand", check_understand);
}

}  // namespace
}  // namespace headgate::fuzz
