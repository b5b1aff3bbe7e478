#include "policy/config/glob_sets.h"

#include "providers/contract/provider.h"

#include <random>

namespace headgate::policy {
namespace {

TEST(Globs, MeetWhereSomeTextMatchesBoth) {
    struct Case {
        std::string_view a;
        std::string_view b;
        bool meet;
    };
    for (const auto& [a, b, meet] : std::vector<Case>{
             {"gpt-5", "gpt-5", true},
             {"gpt-5", "gpt-4", false},
             {"gpt-5*", "gpt-5-mini", true},
             {"gpt-5*", "gpt-*", true},
             {"gpt-5*", "gpt-4*", false},
             {"*mini", "gpt-*", true},
             {"*mini", "gpt-5", false},
             {"*-mini", "*-nano", false},
             {"a*c", "a?c", true},
             {"a*c", "ab", false},
             {"a?", "a", false},
             {"a*", "a", true},
             {"?", "*", true},
             {"a*b*c", "*x*", true},
             {"a??d", "ab*d", true},
             {"a??d", "ab*cde", false},
             {"*a", "b*", true},
             {"ab*", "*ba", true},
             {"ab?", "?bc", true},
             {"ab?", "?cc", false},
             {"**", "?*?", true},
             {"gpt-?", "gpt-4o*", false},
         }) {
        EXPECT_EQ(globs_meet(a, b), meet) << a << ' ' << b;
        EXPECT_EQ(globs_meet(b, a), meet) << b << ' ' << a;
    }
}

TEST(Globs, CoverWhatTheyMatchWhole) {
    struct Case {
        std::string_view wide;
        std::string_view narrow;
        bool covers;
    };
    for (const auto& [wide, narrow, covers] : std::vector<Case>{
             {"*", "gpt-5", true},
             {"*", "gpt-5*", true},
             {"*", "*", true},
             {"gpt-5*", "gpt-5*", true},
             {"gpt-5*", "gpt-5-mini*", true},
             {"gpt-5*", "gpt-5", true},
             {"gpt-5*", "gpt-*", false},
             {"gpt-5*", "*", false},
             {"gpt-5", "gpt-5*", false},
             {"*mini", "gpt-*-mini", true},
             {"*5*", "gpt-5*", true},
             {"a?", "ab", true},
             {"a?", "a*", false},
             {"a*", "a?", true},
             {"?*", "?", true},
             {"?*", "*", false},
         }) {
        EXPECT_EQ(glob_covers(wide, narrow), covers) << wide << ' ' << narrow;
    }
}

/// All texts of at most four letters of {a, b}.
std::vector<std::string> short_texts() {
    std::vector<std::string> texts = {""};
    for (std::size_t i = 0; texts[i].size() < 4; ++i) {
        texts.push_back(texts[i] + 'a');
        texts.push_back(texts[i] + 'b');
    }
    return texts;
}

TEST(Globs, AgreeWithTheTextsThatTheyMatch) {
    constexpr unsigned seed = 20261130;
    std::mt19937 random{seed};
    const std::vector<std::string> texts = short_texts();
    const auto some_glob = [&random] {
        std::string glob;
        for (unsigned left = random() % 4; left > 0; --left) {
            glob += "ab?*"[random() % 4];
        }
        return glob;
    };
    for (int round = 0; round < 5'000; ++round) {
        const std::string a = some_glob();
        const std::string b = some_glob();
        bool is_any_common = false;
        bool is_all_common = true;
        for (const std::string& text : texts) {
            const bool a_matches = providers::glob_matches(a, text);
            const bool b_matches = providers::glob_matches(b, text);
            is_any_common = is_any_common || (a_matches && b_matches);
            is_all_common = is_all_common && (a_matches || !b_matches);
        }

        // Two globs of at most three characters that meet do so in a text of at most four.
        EXPECT_EQ(globs_meet(a, b), is_any_common) << a << ' ' << b << " seed " << seed;
        EXPECT_TRUE(!glob_covers(a, b) || is_all_common) << a << ' ' << b << " seed " << seed;
    }
}

TEST(GlobSets, FindOneThatMeetsAmongMany) {
    GlobSet set;
    for (const std::string_view glob : {"gpt-5*", "o4-mini", "*-embed", "claude-?"}) {
        set.add(glob);
    }
    GlobWork work;

    for (const std::string_view glob :
         {"gpt-5", "gpt-*", "o4*", "*", "x-embed", "claude-4", "?*d"}) {
        EXPECT_TRUE(set.meets(glob, work)) << glob;
    }
    for (const std::string_view glob : {"gpt-4", "gpt-4?", "o4", "mistral", "claude-45"}) {
        EXPECT_FALSE(set.meets(glob, work)) << glob;
    }
    EXPECT_FALSE(GlobSet{}.meets("*", work));
}

TEST(GlobSets, SayNothingOnceThereHasBeenTooMuchToCompare) {
    const std::string long_glob = "a" + std::string(200, '?') + "*";
    const std::string other = "a" + std::string(200, '?') + "b*c";
    GlobSet set;
    set.add(other);
    GlobWork work;
    while (work.may_compare(long_glob, other)) {
    }

    EXPECT_TRUE(work.is_used_up());
    EXPECT_TRUE(set.meets("ab", work));
}

}  // namespace
}  // namespace headgate::policy
