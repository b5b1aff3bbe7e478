#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

constexpr std::string_view kHex =
    "9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e";
constexpr std::string_view kLongKey = "hg-0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

std::string with_keys(std::string_view keys) {
    return std::string(kProviders) + "projects:\n  a:\n    keys: " + std::string(keys) + "\n";
}

std::string problems_of(std::string_view keys, const LoadOptions& options = options_with({})) {
    return told(load_text(with_keys(keys), options));
}

TEST(KeyProblems, TellWhatAKeyNeeds) {
    const std::string hex{kHex};

    EXPECT_EQ(problems_of("[{name: k}]"),
              "5:12: error: \"projects.a.keys[0]\" must have exactly one of `sha256` and `key`\n");
    EXPECT_EQ(problems_of("[{name: k, key: " + std::string(kLongKey) + ", sha256: " + hex + "}]"),
              "5:12: error: \"projects.a.keys[0]\" must have exactly one of `sha256` and `key`\n");
    EXPECT_EQ(problems_of("[{sha256: " + hex + "}]"),
              "5:12: error: \"projects.a.keys[0].name\" is missing; write for example `name: "
              "prod`\n");
    EXPECT_EQ(problems_of("[{name: k, sha256: " + hex.substr(1) + "}]"),
              "5:30: error: \"projects.a.keys[0].sha256\" must be 64 lower-case hex digits, the "
              "SHA-256 of a key\n");
    EXPECT_EQ(problems_of("[{name: a b, sha256: " + hex + "}]"),
              "5:19: error: \"projects.a.keys[0].name\" must be a name of 1 to 64 letters, digits, "
              "`_`, `.` and `-`\n");
    EXPECT_EQ(problems_of("[{name: k, expires: soon, sha256: " + hex + "}]"),
              "5:31: error: \"projects.a.keys[0].expires\" must be a date such as 2027-01-01\n");
    EXPECT_EQ(
        problems_of("[{name: k, limits: [{model: gpt-5}], sha256: " + hex + "}]"),
        "5:31: error: \"projects.a.keys[0].limits[0]\" limits nothing; it needs at least one of "
        "rpm, tpm, rpd, tpd, ipm and concurrent\n");
    EXPECT_EQ(problems_of("[{name: k, key: ''}]"),
              "5:27: error: \"projects.a.keys[0].key\" is empty\n");
}

TEST(KeyProblems, WarnOfWeakKeysAndProjectsWithoutAny) {
    const LoadResult weak = load_text(with_keys("[{name: k, key: tooshort}]"));
    const LoadResult none = load_text(with_keys("[]"));

    ASSERT_NE(weak.snapshot, nullptr);
    EXPECT_EQ(told(weak),
              "5:27: warning: \"projects.a.keys[0].key\" is shorter than 20 characters and can be "
              "guessed (`headgate keys new` makes one of 256 random bits)\n");
    ASSERT_NE(none.snapshot, nullptr);
    EXPECT_EQ(
        told(none),
        "5:5: warning: \"projects.a\" has no key in the file: unless the record store has one, "
        "nobody can use this project\n");
    EXPECT_EQ(told(load_text(with_keys("[]") + "state: {records: none}\n")),
              "5:5: warning: \"projects.a\" has no key: nobody can use this project\n");
}

TEST(KeyProblems, ShowTheBeginningOfAKeyOfOursAndOfNoOther) {
    struct Case {
        std::string_view key;
        std::string_view prefix;
    };
    constexpr Case cases[] = {
        {kLongKey, "hg-0123"},
        {"hg-Ab12cdefghijklmnop", "hg-Ab12"},
        {"hg-Ab12cdefghijklmn", ""},  // seven characters would be much of 19
        {"sk-0123456789abcdefghijklmnop", ""},
        {"\"${KEY}\"", "hg-from"},
    };

    for (const Case& each : cases) {
        const LoadResult result =
            load_text(with_keys("[{name: k, key: " + std::string(each.key) + "}]"),
                      options_with({{"KEY", "hg-from-the-environment"}}));

        ASSERT_NE(result.snapshot, nullptr) << told(result);
        EXPECT_EQ(result.snapshot->keys.all().begin()->second.prefix, each.prefix) << each.key;
    }
    const LoadResult digest =
        load_text(with_keys("[{name: k, sha256: " + std::string(kHex) + "}]"));
    EXPECT_EQ(digest.snapshot->keys.all().begin()->second.prefix, "");
}

TEST(KeyProblems, NameBothPlacesOfAKeyThatStandsTwice) {
    const std::string policy = std::string(kProviders) +
                               "projects:\n"
                               "  a: {keys: [{name: k, sha256: " +
                               std::string(kHex) +
                               "}]}\n"
                               "  b: {keys: [{name: k, sha256: " +
                               std::string(kHex) + "}]}\n";

    const LoadResult result = load_text(policy);

    EXPECT_EQ(result.snapshot, nullptr);
    EXPECT_EQ(told(result),
              "5:14: error: \"projects.b.keys[0]\" is the same key as \"projects.a.keys[0]\" in "
              "line 4\n");
}

TEST(KeyProblems, FindAKeyGivenAsTextAndAsDigest) {
    KeyHasher hasher;
    const std::string key{kLongKey};

    const std::string problems = problems_of(
        "[{name: x, key: " + key + "}, {name: y, sha256: " + to_hex(hasher.digest(key)) + "}]");

    EXPECT_NE(problems.find("\"projects.a.keys[1]\" is the same key as \"projects.a.keys[0]\""),
              std::string::npos);
}

TEST(KeyProblems, RefuseTwoKeysOfOneName) {
    const std::string problems =
        problems_of("[{name: x, sha256: " + std::string(kHex) +
                    "},\n {name: x, sha256: " + std::string(64, '0') + "}]");

    EXPECT_EQ(problems,
              "6:9: error: \"projects.a.keys[1].name\" is the name of another key of this project, "
              "in line 5\n");
}

std::string with_admin_keys(std::string_view keys) {
    return with_basics("admin:\n  keys: " + std::string(keys) + "\n");
}

TEST(KeyProblems, AdminKeysAreReadFromDigestAndFromText) {
    KeyHasher hasher;
    const std::string key{kLongKey};

    const LoadResult result = load_text(with_admin_keys(
        "[{name: ops, sha256: " + std::string(64, 'a') + "}, {name: oncall, key: " + key + "}]"));

    ASSERT_NE(result.snapshot, nullptr) << told(result);
    EXPECT_EQ(told(result), "");
    ASSERT_EQ(result.snapshot->admin_keys.size(), 2U);
    EXPECT_EQ(result.snapshot->admin_keys[0].name, "ops");
    EXPECT_EQ(to_hex(result.snapshot->admin_keys[0].digest), std::string(64, 'a'));
    EXPECT_EQ(result.snapshot->admin_keys[1].name, "oncall");
    EXPECT_EQ(result.snapshot->admin_keys[1].digest, hasher.digest(key));
    EXPECT_EQ(result.snapshot->keys.size(), 1U);
}

TEST(KeyProblems, TellWhatAnAdminKeyNeeds) {
    const std::string hex(64, 'a');
    const auto problems = [](std::string_view keys) {
        return told(load_text(with_admin_keys(keys)));
    };

    EXPECT_EQ(problems("[{sha256: " + hex + "}]"),
              "7:10: error: \"admin.keys[0].name\" is missing; write for example `name: prod`\n");
    EXPECT_EQ(problems("{name: ops}"),
              "7:9: error: \"admin.keys\" must have exactly one of `sha256` and `key`\n");
    EXPECT_EQ(problems("[{name: ops, sha256: " + hex + "}, {name: ops, key: tooshort}]"),
              "7:104: error: \"admin.keys[1].name\" is the name of another admin key, in line 7\n"
              "7:114: warning: \"admin.keys[1].key\" is shorter than 20 characters and can be "
              "guessed (`headgate keys new` makes one of 256 random bits)\n");
    EXPECT_EQ(problems("[{name: ops, sha256: " + hex + ", expires: 2027-01-01}]"),
              "7:96: error: \"admin.keys[0].expires\" is not a setting that Headgate knows\n");
    EXPECT_EQ(problems("ops"),
              "7:9: error: \"admin.keys\" must be a map of settings (`name: value`)\n");
}

TEST(KeyProblems, RefuseAnAdminKeyThatServesInferenceToo) {
    const std::string hex{kHex};

    EXPECT_EQ(told(load_text(with_admin_keys("[{name: ops, sha256: " + hex + "}]"))),
              "5:12: error: \"projects.search.keys[0]\" is the same key as \"admin.keys[0]\" in "
              "line 7\n");
    EXPECT_EQ(
        told(load_text(with_admin_keys("[{name: a, sha256: " + std::string(64, 'a') +
                                       "}, {name: b, sha256: " + std::string(64, 'a') + "}]"))),
        "7:95: error: \"admin.keys[1]\" is the same key as \"admin.keys[0]\" in line 7\n");
}

TEST(KeyProblems, NeverShowASecretWhateverIsWrong) {
    const std::string secret = "s3cret-" + std::string(kLongKey);
    const Environment environment = {{"SECRET", secret}, {"BROKEN", secret + " with blanks"}};
    for (const std::string_view keys : {
             "[S]",
             "S",
             "{S: x}",
             "[{name: k, sha256: S}]",
             "[{name: S, key: S, expires: x}]",
             "[{name: k, key: S, key: S}]",
             "[{name: k, ky: S}]",
             "[{name: k, key: [S]}]",
             "[{name: k, key: {S: S}}]",
             "[{name: k, key: \"S with blanks\"}]",
             "[{name: k, key: S, expires: S}]",
             "[{name: k, key: |\n  S\n  S\n }]",
             "[{name: k, key: \"${BROKEN}\"}]",
             "[{name: \"${BROKEN}\", sha256: \"${SECRET}\", expires: \"${SECRET}\"}]",
             "[{name: k, key: \"S${MISSING}\"}]",
             "[{name: k, key: \"${MISSING:-S x}\"}]",
             "[{name: k, key: S",
         }) {
        std::string text = with_keys(keys);
        for (std::size_t at = text.find('S'); at != std::string::npos;
             at = text.find('S', at + 1)) {
            const bool stands_alone = text[at + 1] != 'E' && text[at + 1] != 'I';
            if (stands_alone) {
                text.replace(at, 1, secret);
                at += secret.size();
            }
        }

        const LoadResult result = load_text(text, options_with(environment));

        EXPECT_EQ(result.snapshot, nullptr) << text;
        for (const Problem& problem : result.problems) {
            const std::string shown = problem.to_string() + problem.source;
            EXPECT_EQ(shown.find("s3cret"), std::string::npos) << shown;
            EXPECT_EQ(shown.find("0123456789abcdef"), std::string::npos) << shown;
        }
    }
}

TEST(KeyProblems, RefuseARedactedSecretOnlyWhereItIsNeeded) {
    const std::string keys = "[{name: k, key: <redacted>}]";

    EXPECT_EQ(problems_of(keys),
              "5:27: error: \"projects.a.keys[0].key\" is redacted; put the secret or a reference "
              "to it here\n");
    EXPECT_EQ(problems_of(keys, options_with({}, false)), "");
}

}  // namespace
}  // namespace headgate::policy
