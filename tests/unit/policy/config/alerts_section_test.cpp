#include "policy/config/base_url.h"
#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

/// A policy whose line 6 is `alerts`.
LoadResult with_alerts(std::string_view alerts, bool needs_secrets = true) {
    return load_text(with_basics("alerts: {" + std::string(alerts) + "}\n"),
                     options_with({}, needs_secrets));
}

TEST(AlertsSection, ReadsTheWebhookWithItsWholePathAndQuery) {
    struct Case {
        std::string_view url;
        std::string_view authority;
        std::string_view path;
    };
    constexpr Case cases[] = {
        {"https://hooks.example.com/headgate", "hooks.example.com", "/headgate"},
        {"https://hooks.example.com", "hooks.example.com", "/"},
        {"https://hooks.example.com/", "hooks.example.com", "/"},
        {"https://hooks.example.com/a/b/", "hooks.example.com", "/a/b/"},
        {"https://hooks.example.com/a?b=c&d=/e%20f?", "hooks.example.com", "/a?b=c&d=/e%20f?"},
        {"https://hooks.example.com?b", "hooks.example.com", "/?b"},
        {"http://10.0.0.1:9000/x", "10.0.0.1:9000", "/x"},
        {"http://[::1]/x?y", "[::1]", "/x?y"},
    };

    for (const Case& each : cases) {
        const LoadResult result = with_alerts("webhook: \"" + std::string(each.url) + "\"");

        ASSERT_EQ(told(result), "");
        const std::optional<providers::BaseUrl>& webhook = result.snapshot->alerts.webhook;
        ASSERT_TRUE(webhook);
        EXPECT_EQ(webhook->authority(), each.authority);
        EXPECT_EQ(webhook->base_path, each.path);
        EXPECT_EQ(webhook->is_tls, each.url.starts_with("https"));
    }
    EXPECT_FALSE(load_text(with_basics("")).snapshot->alerts.webhook);
}

TEST(AlertsSection, RefusesWhatIsNoWebhook) {
    struct Case {
        std::string_view alerts;
        std::string_view told;
    };
    constexpr Case cases[] = {
        {"secret: 0123456789012345678901234567",
         "6:9: error: \"alerts.webhook\" is missing; write for example `webhook: "
         "https://hooks.example.com/headgate`"},
        {"webhook: hooks.example.com",
         "6:19: error: \"alerts.webhook\" must be a URL that begins with https:// or http://"},
        {"webhook: 'https://u:p@h/x?y'",
         "6:19: error: \"alerts.webhook\" must not hold a user name or password; `secret` signs "
         "what is sent"},
        {"webhook: 'https://h/x#y'",
         "6:19: error: \"alerts.webhook\" must not have a fragment (`#`)"},
        {"webhook: 'https://h/x?y#z'",
         "6:19: error: \"alerts.webhook\" must have a query of percent-encoded text, without a "
         "fragment (`#`)"},
        {"webhook: 'https://h/x?a b'",
         "6:19: error: \"alerts.webhook\" must have a query of percent-encoded text, without a "
         "fragment (`#`)"},
        {"webhook: 'https://h/x?a%2'",
         "6:19: error: \"alerts.webhook\" must have a query of percent-encoded text, without a "
         "fragment (`#`)"},
        {"webhook: \"https://h/it's\"",
         "6:19: error: \"alerts.webhook\" must have `'` written %27"},
        {"webhook: https://169.254.169.254/x",
         "6:19: error: \"alerts.webhook\" is a link-local or metadata address, to which Headgate "
         "never connects"},
        {"webhook: https://h/../x",
         "6:19: error: \"alerts.webhook\" must have a path of plain segments such as /v1, without "
         "empty ones, `.` or `..`"},
        {"url: x, webhook: https://h",
         "6:10: error: \"alerts.url\" is not a setting that Headgate knows"},
    };

    for (const Case& each : cases) {
        EXPECT_EQ(told(with_alerts(each.alerts)), std::string(each.told) + "\n");
    }
    EXPECT_FALSE(parse_webhook_url("https://h/" + std::string(2048, 'x')));
}

TEST(AlertsSection, ReadsTheSecretOfStandardWebhooksOrAnyText) {
    for (const std::string_view secret :
         {"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
          "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNA==", "a-secret-of-twenty-four-bytes-or-more"}) {
        const LoadResult result =
            with_alerts("webhook: https://h, secret: \"" + std::string(secret) + "\"");

        ASSERT_EQ(told(result), "");
        EXPECT_EQ(result.snapshot->alerts.secret.reveal(), secret);
    }
}

TEST(AlertsSection, RefusesSecretsThatSignNothing) {
    const auto problems = [](std::string_view secret, bool needs_secrets = true) {
        return told(
            with_alerts("webhook: https://h, secret: " + std::string(secret), needs_secrets));
    };
    constexpr std::string_view not_base64 =
        "6:38: error: \"alerts.secret\" begins with whsec_ and must go on with base64, as Standard "
        "Webhooks has it\n";

    for (const std::string_view secret :
         {"whsec_", "whsec_abc", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI_",
          "whsec_====", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz="}) {
        EXPECT_EQ(problems(secret), not_base64) << secret;
    }
    EXPECT_EQ(problems("''"), "6:38: error: \"alerts.secret\" is empty\n");
    EXPECT_EQ(problems("'two words'"),
              "6:38: error: \"alerts.secret\" must be printable ASCII without blanks, at most 4096 "
              "bytes long: it goes into a header\n");
    EXPECT_EQ(problems("short"),
              "6:38: warning: \"alerts.secret\" is shorter than 24 bytes and can be guessed\n");
    EXPECT_EQ(problems("whsec_MDEyMzQ1"),
              "6:38: warning: \"alerts.secret\" is shorter than 24 bytes and can be guessed\n");
    EXPECT_EQ(problems("<redacted>"),
              "6:38: error: \"alerts.secret\" is redacted; put the secret or a reference to it "
              "here\n");
    EXPECT_EQ(problems("<redacted>", false), "");
    EXPECT_EQ(problems("\"${SECRET}\"", false), "");
}

}  // namespace
}  // namespace headgate::policy
