#include "policy/config/secret_text.h"
#include "tests/unit/policy/config/show_policy_file.h"

namespace headgate::policy {
namespace {

constexpr std::string_view kSecret = "Pa55phrase-of-an-operator";

/// The policy as shown, whether or not it would load.
std::string shown_tree(const std::string& text) {
    const auto tree = parse_yaml(text);
    EXPECT_TRUE(tree) << text;
    return tree ? show_policy(**tree) + show_policy_json(**tree) : std::string{};
}

TEST(ShowSecrets, NeverShowsASecretWhereverItStands) {
    constexpr std::string_view policies[] = {
        "providers: {a: {kind: openai, api_key: %S}}\n",
        "providers: {a: {kind: azure, api_key: \"%S\"}}\n",
        "providers: {a: {kind: groq, api_key: '%S'}}\n",
        "providers: {a: {kind: \"${KIND}\", api_key: %S}}\n",
        "providers:\n  a:\n    kind: openai\n    api_key: >-\n      %S\n",
        "providers:\n  a:\n    kind: openai\n    api_key: # no %S here\n      %S\n",
        "providers: {a: {kind: openai, api_key: \"${KEY:-%S}\"}}\n",
        "providers: {a: {kind: openai, api_key: \"$${KEY}%S\"}}\n",
        "providers: {a: {kind: openai, api_key: \"${KEY\\n%S\"}}\n",
        "providers: {a: {kind: openai, api_key: \"${KEY}%S\"}}\n",
        "providers: {a: {kind: openai, api_key: [%S, {b: 1}]}}\n",
        "providers: {a: {organization: &o %S, api_key: *o}}\n",
        "providers: {headers: {api_key: %S}, deployments: {api_key: %S}, tls: {api_key: %S}}\n",
        "providers: {a: {headers: {x-api-key: %S}}}\n",
        "providers: {a: {headers: {X-Auth-Info: %S}}}\n",
        "providers: {a: {headers: {X-Session: %S, x-signature: %S, x-gate-auth: %S}}}\n",
        "providers: {a: {headers: {x-team: \"Bearer %S\"}}}\n",
        "providers: {a: {headers: {x-team: sk-%S}}}\n",
        "projects: {p: {keys: [{name: k, key: %S}]}}\n",
        "projects: {p: {keys: {name: k, key: %S}}}\n",
        "projects: {p: {keys: [%S]}}\n",
        "projects: {p: {keys: %S}}\n",
        "projects: {p: {keys: [{name: k, sha256: %S}]}}\n",
        "admin: {keys: [{name: k, key: %S}]}\n",
        "alerts: {webhook: \"https://user:%S@hooks.example.com/x\", secret: %S}\n",
        "alerts: {webhook: \"https://hooks.example.com/x?team=a&token=%S&b=1\"}\n",
        "state: {limits: \"redis://:%S@host:6379/0\", records: \"postgresql://u:%S@host/db\"}\n",
        "state: {limits: \"rediss://u:%S/with/slash@host\", cache: {redis: "
        "\"redis://u:%S/x@h/1\"}}\n",
        "state: {records: \"postgresql://host/db?user=u&password=%S\"}\n",
        "log: {access: \"see https://u:%S@a/ and https://v:%S@b/\"}\n",
        "nonsense: {deep: [{password: %S}, {client_secret: %S}]}\n",
        "routes: [{name: r, when: {unknown: {access_token: %S}}}]\n",
    };

    for (const std::string_view policy : policies) {
        std::string text{policy};
        for (std::size_t at = text.find("%S"); at != std::string::npos; at = text.find("%S")) {
            text.replace(at, 2, kSecret);
        }
        ASSERT_TRUE(text.contains(kSecret)) << text;

        EXPECT_FALSE(shown_tree(text).contains(kSecret)) << text << shown_tree(text);
    }
}

TEST(ShowSecrets, KeepsReferencesAndWhatIsNoSecret) {
    const std::string policy =
        "providers:\n"
        "  a: {kind: openai, api_key: \"${OPENAI_API_KEY}\", organization: org-example}\n"
        "  b: {kind: openai-compatible, base_url: http://10.0.0.1:80/v1/team@acme,\n"
        "      headers: {x-team: platform, x-gate-token: \"Team ${TEAM_TOKEN}\"}}\n"
        "  c: {kind: azure, base_url: https://acme.openai.azure.com, api_version: v1,\n"
        "      api_key: \"${AZURE_API_KEY:-}\", deployments: {my-key: prod-key}}\n"
        "projects:\n"
        "  p:\n"
        "    keys:\n"
        "      - {name: k, key: \"${CLIENT_KEY}\", expires: 2027-01-01}\n"
        "      - {name: d, sha256: "
        "9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e}\n"
        "admin: {keys: {name: ops, key: \"${ADMIN_KEY}\"}}\n";

    const std::string text = shown(policy);

    EXPECT_FALSE(text.contains("<redacted>")) << text;
    EXPECT_TRUE(text.contains("api_key: ${OPENAI_API_KEY}\n"));
    EXPECT_TRUE(text.contains("x-gate-token: Team ${TEAM_TOKEN}\n"));
    EXPECT_TRUE(text.contains("expires: 2027-01-01\n"));
    EXPECT_EQ(snapshot_text(text), snapshot_text(policy));
}

TEST(ShowSecrets, IsRefusedByWhoNeedsTheSecretOnly) {
    const std::string text =
        shown(with_basics("admin: {keys: {name: ops, key: hg-ops-literal-0001}}\n"));

    const LoadResult strict = load_text(text, options_with({}));
    const LoadResult lenient = load_text(text, options_with({}, false));

    EXPECT_FALSE(strict.snapshot);
    EXPECT_TRUE(told(strict).contains("is redacted")) << told(strict);
    EXPECT_TRUE(lenient.snapshot) << told(lenient);
}

TEST(ShowSecrets, RedactsWhatALiteralSecretIs) {
    struct Case {
        std::string_view text;
        std::string_view shown;
    };
    constexpr Case cases[] = {
        {"", ""},
        {"hunter2", "<redacted>"},
        {"<redacted>", "<redacted>"},
        {"${KEY}", "${KEY}"},
        {"${file:/run/secrets/key}", "${file:/run/secrets/key}"},
        {"${KEY:-}", "${KEY:-}"},
        {"${KEY:-hunter2}", "${KEY:-<redacted>}"},
        {"${KEY:-<redacted>}", "${KEY:-<redacted>}"},
        {"Bearer ${KEY}", "Bearer ${KEY}"},
        {"${USER}:${KEY}", "${USER}:${KEY}"},
        {"sk-proj-0123456789abc${X}", "<redacted>"},
        {"$${KEY}", "<redacted>"},
        {"$${A}${B}", "$${A}${B}"},
        {"${KEY", "<redacted>"},
        {"${A}${B", "${A}${B"},
    };

    for (const Case& each : cases) {
        EXPECT_EQ(redacted_secret(each.text), each.shown) << each.text;
        EXPECT_EQ(redacted_secret(each.shown), each.shown);
    }
}

TEST(ShowSecrets, RedactsTheSecretsOfUrls) {
    struct Case {
        std::string_view text;
        std::string_view shown;
    };
    constexpr Case cases[] = {
        {"https://api.openai.com/v1", "https://api.openai.com/v1"},
        {"http://[::1]:80/v1/a@b", "http://[::1]:80/v1/a@b"},
        {"http://host:8080/a@b", "http://host:8080/a@b"},
        {"redis://user:pass@host:6379/0", "redis://<redacted>@host:6379/0"},
        {"redis://us@er:pa@ss@host", "redis://<redacted>@host"},
        {"redis://user:pa/ss@host", "redis://<redacted>@host"},
        {"redis://token@host", "redis://<redacted>@host"},
        {"redis://${USER}:${PASSWORD}@host", "redis://${USER}:${PASSWORD}@host"},
        {"redis://u:${file:/run/p@ss}@host/0", "redis://u:${file:/run/p@ss}@host/0"},
        {"redis://u:${P:-hunter2}@host", "redis://u:${P:-<redacted>}@host"},
        {"https://h/p?a=1&api_key=x&b=2", "https://h/p?a=1&api_key=<redacted>&b=2"},
        {"https://h/p?token=", "https://h/p?token="},
        {"https://h/p?token=${T}#x", "https://h/p?token=${T}#x"},
        {"no url", "no url"},
        {"://", "://"},
        {"://@", "://@"},
    };

    for (const Case& each : cases) {
        EXPECT_EQ(redacted_urls(each.text), each.shown) << each.text;
        EXPECT_EQ(redacted_urls(each.shown), each.shown);
    }
}

TEST(ShowSecrets, KnowsAPasswordInPlainText) {
    for (const std::string_view text :
         {"redis://:hunter2@h", "rediss://u:hunter2@h/0", "redis://${USER}:hunter2@h",
          "redis://u:${P:-hunter2}@h", "postgresql://u:pa/ss@h", "https://h/x?token=hunter2",
          "postgresql://u@h/db?a=b&password=hunter2", "redis://h and redis://u:hunter2@h"}) {
        EXPECT_TRUE(has_plain_password(text)) << text;
    }
    for (const std::string_view text :
         {"memory", "redis://h:6379/0", "redis://:${PASSWORD}@h", "redis://u:${file:/run/p}@h",
          "redis://<redacted>@h", "redis://u:<redacted>@h", "postgresql://u@h/db",
          "https://h/x?token=${T}", "https://h/x?team=a", "sqlite:headgate.db"}) {
        EXPECT_FALSE(has_plain_password(text)) << text;
    }
}

TEST(ShowSecrets, RedactsThePasswordsOfStoresAndKeepsTheirReferences) {
    const std::string text =
        shown("providers: {one: {kind: simulator}}\n" + std::string(kProjects) +
              "state: {limits: \"redis://u:hunter2@h:6379/0\", records: "
              "\"postgresql://u:${STORE_PASSWORD}@h/db\"}\n"
              "alerts: {webhook: \"https://h/x?token=hunter2&a=b\", secret: hunter2-hunter2}\n");

    EXPECT_FALSE(text.contains("hunter2")) << text;
    EXPECT_TRUE(text.contains("limits: redis://<redacted>@h:6379/0\n"));
    EXPECT_TRUE(text.contains("records: postgresql://u:${STORE_PASSWORD}@h/db\n"));
    EXPECT_TRUE(text.contains("webhook: https://h/x?token=<redacted>&a=b\n"));
    EXPECT_TRUE(text.contains("secret: <redacted>\n"));
    EXPECT_TRUE(load_text(text, options_with(kSecrets, false)).snapshot);
    EXPECT_TRUE(told(load_text(text, options_with(kSecrets))).contains("is redacted"));
}

}  // namespace
}  // namespace headgate::policy
