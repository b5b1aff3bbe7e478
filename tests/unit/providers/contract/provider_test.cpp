#include "providers/contract/provider.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::providers {
namespace {

TEST(ProviderKind, IsSpelledAsInThePolicy) {
    EXPECT_EQ(to_string(ProviderKind::openai), "openai");
    EXPECT_EQ(to_string(ProviderKind::openai_compatible), "openai-compatible");
    EXPECT_EQ(to_string(ProviderKind::simulator), "simulator");
}

TEST(BaseUrl, GivesTheAuthorityOfAHostHeader) {
    struct AuthorityCase {
        bool is_tls;
        std::string host;
        std::uint16_t port;
        std::string_view authority;
    };
    const AuthorityCase cases[] = {
        {true, "api.openai.com", 443, "api.openai.com"},
        {false, "api.example", 80, "api.example"},
        {true, "api.example", 80, "api.example:80"},
        {false, "api.example", 443, "api.example:443"},
        {false, "127.0.0.1", 8080, "127.0.0.1:8080"},
        {true, "::1", 443, "[::1]"},
        {false, "2001:db8::1", 9000, "[2001:db8::1]:9000"},
    };

    for (const AuthorityCase& test : cases) {
        const BaseUrl url{
            .is_tls = test.is_tls, .host = test.host, .port = test.port, .base_path = "/v1"};

        EXPECT_EQ(url.authority(), test.authority);
    }
}

TEST(Glob, MatchesRunsAndSingleCharacters) {
    struct GlobCase {
        std::string_view glob;
        std::string_view text;
        bool matches;
    };
    const GlobCase cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"**", "anything", true},
        {"?", "", false},
        {"?", "a", true},
        {"gpt-4o", "gpt-4o", true},
        {"gpt-4o", "gpt-4o-mini", false},
        {"gpt-4o", "GPT-4o", false},
        {"gpt-4o*", "gpt-4o", true},
        {"gpt-4o*", "gpt-4o-mini", true},
        {"gpt-?o", "gpt-4o", true},
        {"gpt-?o", "gpt-o", false},
        {"*mini", "gpt-4o-mini", true},
        {"*mini", "gpt-4o-mini-2024", false},
        {"*-mini-*", "gpt-4o-mini-2024", true},
        {"a*b*c", "abbbcc", true},
        {"a*b*c", "acb", false},
        {"*ab", "aab", true},
        {"*aab", "aaab", true},
        {"openai/*", "openai/gpt-4o", true},
        {"[a]", "a", false},
        {"a.c", "abc", false},
        {"*?", "", false},
        {"*??", "ab", true},
    };

    for (const GlobCase& test : cases) {
        EXPECT_EQ(glob_matches(test.glob, test.text), test.matches)
            << test.glob << " against " << test.text;
    }
}

TEST(Glob, DoesNotBlowUpOnManyStars) {
    std::string glob;
    for (int i = 0; i < 2000; ++i) {
        glob += "*a";
    }
    const std::string text(20'000, 'a');

    EXPECT_TRUE(glob_matches(glob + "*", text));
    EXPECT_FALSE(glob_matches(glob + "b", text));
}

}  // namespace
}  // namespace headgate::providers
