#include "policy/config/source_text.h"

namespace headgate::policy {
namespace {

constexpr std::string_view kSecret = "s3cret-value-of-a-test";

bool shows_secret(const std::string& shown) {
    return shown.find("s3cret") != std::string::npos;
}

/// The lines of `text` that would be shown, with what a parse of it teaches.
std::string all_lines(const std::string& text) {
    SourceText source{text};
    if (const auto root = parse_yaml(text)) {
        source.learn(**root);
    }
    std::string shown;
    for (int line = 1; !source.line(line).empty() || line < 10; ++line) {
        shown += source.line(line) + "\n";
    }
    return shown;
}

std::string with_secret(std::string text) {
    for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@')) {
        text.replace(at, 1, kSecret);
    }
    return text;
}

TEST(SourceText, NeverShowsALiteralSecretHoweverItIsWritten) {
    for (const std::string_view form : {
             "api_key: @",
             "api_key: \"@\"",
             "api_key : '@'",
             "\"api_key\": \"@\"",
             "o: {kind: openai, api_key: @, tokens: x}",
             "{\"o\":{\"api_key\":\"@\",\"x\":1}}",
             "api_key:\n  @",
             "api_key:\n\n  @",
             "api_key: |\n  @\n",
             "api_key: >-\n  other\n  @\n",
             "o:\n  ? api_key\n  : @\n",
             "apikey: @",
             "api-key: @",
             "ap_key: @",
             "ky: @",
             "oops: Aa0@-9876543210-ABCDEF",
             "API_KEY: @",
             "secret: @",
             "password: @",
             "keys: [@]",
             "keys: @",
             "keys:\n  - @",
             "keys: [{name: x, key: @}]",
             "keys: [{name: x, sha256: @}]",
             "keys:\n  - name: x\n    sha256: @",
             "api_key: ${NAME:-@}",
             "api_key: x${NAME}@",
             "api_key: ${NAME} @",
             "headers: {x-api-key: @}",
         }) {
        const std::string text = with_secret(std::string(form));

        EXPECT_FALSE(shows_secret(all_lines(text))) << all_lines(text);
    }
}

TEST(SourceText, RedactsAlsoWhereTheFileIsNoYaml) {
    for (const std::string_view form : {"a: [\napi_key: @", "{{{ api_key: @", "api_key: @: @",
                                        "keys: [@", "api_key:\n    @: ["}) {
        const std::string text = with_secret(std::string(form));

        ASSERT_FALSE(parse_yaml(text).has_value()) << text;
        EXPECT_FALSE(shows_secret(all_lines(text))) << all_lines(text);
    }
}

TEST(SourceText, RedactsCredentialsInUrlsAndWordsThatLookLikeKeys) {
    const SourceText source{
        "limits: redis://user:s3cret@host:6379/0\n"
        "base_url: https://x/v1?key=s3cret\n"
        "oops: sk-proj-s3cret123456789\n"
        "- hg-s3cret123456789012\n"};

    EXPECT_EQ(source.line(1), "limits: redis://<redacted>@host:6379/0");
    EXPECT_EQ(source.line(2), "base_url: https://x/v1?<redacted>");
    EXPECT_EQ(source.line(3), "oops: <redacted>");
    EXPECT_EQ(source.line(4), "- <redacted>");
    EXPECT_EQ(source.redacted("hg-s3cret123456789012 is wrong"), "<redacted> is wrong");
}

TEST(SourceText, RedactsTheCredentialOfAStoreHoweverItsUrlIsBroken) {
    for (const std::string_view form : {
             "limits: redis://:%@host",
             "limits: redis://:%",
             "limits: redis:u:%@host",
             "limits: redis:/u:%@host",
             "limits: \"redis://u:a b % c@host\"",
             "limits: 'redis+unix://u:it''s %@/run/x'",
             "state: {limits: rediss://h, records: \"postgres://u:% x@h/db\"}",
             "records: postgresql://u:%/x@host/db",
             "records: postgresql://h/db?password=%",
             "redis://u:%@host: 5",
             "redis: redis://u:%@host",
         }) {
        std::string text{form};
        text.replace(text.find('%'), 1, kSecret);

        EXPECT_FALSE(shows_secret(all_lines(text))) << all_lines(text);
        EXPECT_FALSE(shows_secret(SourceText{{}}.redacted(text))) << text;
    }
    for (const std::string text : {
             "limits: redis://host:6379/0",
             "limits: rediss://[::1]:6379",
             "state: {limits: redis://host:6379, records: postgresql://host:5432/db}",
             "cache: {redis: redis://host:6379/1}",
             "records: sqlite:headgate.db",
             "on_redis_failure: local",
         }) {
        EXPECT_EQ(SourceText{text}.line(1), text);
    }
}

TEST(SourceText, ShowsWhatIsNoSecret) {
    for (const std::string text : {
             "    api_key: ${OPENAI_API_KEY}",
             "    api_key: \"${file:/run/secrets/openai}\"  # from the vault",
             "  o: {kind: openai, api_key: ${KEY}, tokens: 50}",
             "keys: [{name: prod, nam: x}]",
             "sha256: 9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e",
             "token_delay: 10ms",
             "max_tokens: 5",
             "keepalive_timeout: never",
             "models: [sk-*, gpt-5]",
         }) {
        const SourceText source{text};

        EXPECT_EQ(source.line(1), text);
    }
}

TEST(SourceText, GoesOnShowingLinesBehindASecret) {
    const SourceText source{"o:\n  api_key: s3cret\n  kind: opnai\np:\n  x: 1\n"};

    EXPECT_EQ(source.line(2), "  api_key: <redacted>");
    EXPECT_EQ(source.line(3), "  kind: opnai");
    EXPECT_EQ(source.line(5), "  x: 1");
}

TEST(SourceText, IsFitForATerminal) {
    const SourceText source{"a: \x1b[31mred\r\nb: " + std::string(400, 'x') + "\n"};

    EXPECT_EQ(source.line(1), "a: ?[31mred");
    EXPECT_EQ(source.line(2).size(), 163U);
    EXPECT_TRUE(source.line(2).ends_with("xxx..."));
    EXPECT_EQ(source.line(0), "");
    EXPECT_EQ(source.line(3), "");
    EXPECT_EQ(source.line(99), "");
}

TEST(SourceText, CutsLongLinesBetweenCharacters) {
    std::string line = "a: ";
    for (int i = 0; i < 100; ++i) {
        line += "\xE2\x82\xAC";
    }
    const SourceText source{line};

    const std::string shown = source.line(1);

    EXPECT_TRUE(parse_yaml(shown).has_value());  // still UTF-8
    EXPECT_LE(shown.size(), 163U);
}

}  // namespace
}  // namespace headgate::policy
