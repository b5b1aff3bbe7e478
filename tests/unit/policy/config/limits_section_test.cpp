#include "tests/unit/policy/config/policy_file.h"

namespace headgate::policy {
namespace {

/// A policy whose line 6 has `limits` of the organization.
LoadResult with_limits(std::string_view limits) {
    return load_text(with_basics("organization: {limits: " + std::string(limits) + "}\n"));
}

TEST(LimitsSection, ReadsEveryKindAtEveryPlace) {
    const LoadResult result = load_text(
        std::string(kProviders) +
        "organization: {limits: {tpm: 2M}}\n"
        "projects:\n"
        "  search:\n"
        "    keys:\n"
        "      - name: prod\n"
        "        sha256: 9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e\n"
        "        limits: [{rpm: 60}]\n"
        "    limits:\n"
        "      - {model: [gpt-5*, o4*], rpm: 600, tpm: 300k, rpd: 100k, tpd: 50M, ipm: 50,\n"
        "         concurrent: 64, mode: shadow}\n"
        "      - {rpd: \"0x10\", ipm: 1000000000000000}\n");

    ASSERT_EQ(told(result), "");
    const Project& project = *result.snapshot->projects[0];
    ASSERT_EQ(project.limits.size(), 2U);
    EXPECT_EQ(project.limits[0].label(), "gpt-5*,o4*");
    EXPECT_EQ(project.limits[0].mode, EnforceMode::shadow);
    EXPECT_EQ(project.limits[0].amounts,
              (std::array<std::int64_t, 6>{600, 300'000, 100'000, 50'000'000, 50, 64}));
    EXPECT_EQ(project.limits[1].label(), "*");
    EXPECT_EQ(project.limits[1].mode, EnforceMode::enforce);
    EXPECT_EQ(project.limits[1].amounts,
              (std::array<std::int64_t, 6>{0, 0, 16, 0, 1'000'000'000'000'000, 0}));
    ASSERT_EQ(result.snapshot->organization.limits.size(), 1U);
    EXPECT_EQ(result.snapshot->organization.limits[0].amount(LimitKind::tpm), 2'000'000);
    const Key& key = result.snapshot->keys.all().begin()->second;
    ASSERT_EQ(key.limits.size(), 1U);
    EXPECT_EQ(key.limits[0].amount(LimitKind::rpm), 60);
}

TEST(LimitsSection, TakesAnEmptyListForNone) {
    const LoadResult result = with_limits("[]");

    ASSERT_EQ(told(result), "");
    EXPECT_TRUE(result.snapshot->organization.limits.empty());
}

TEST(LimitsSection, RefusesAmountsThatAreNone) {
    for (const std::string_view amount :
         {"0", "-1", "1.5", "1e3", ".nan", ".inf", "1000000000000001", "10G", "many", "600 rpm",
          "99999999999999999999999", "''"}) {
        const LoadResult result = with_limits("[{rpm: " + std::string(amount) + "}]");

        EXPECT_EQ(told(result),
                  "6:31: error: \"organization.limits[0].rpm\" must be a whole number from 1 to "
                  "1000000000000000 such as 600, 300k or 2M; leave it out for no limit\n")
            << amount;
    }
}

TEST(LimitsSection, RefusesEntriesThatLimitNothingOrSomethingUnknown) {
    struct Case {
        std::string_view limits;
        std::string_view told;
    };
    constexpr Case cases[] = {
        {"[{model: gpt-5}]",
         "6:25: error: \"organization.limits[0]\" limits nothing; it needs at least one of rpm, "
         "tpm, rpd, tpd, ipm and concurrent"},
        {"{}",
         "6:24: error: \"organization.limits\" limits nothing; it needs at least one of rpm, tpm, "
         "rpd, tpd, ipm and concurrent"},
        {"[{rpn: 5, tpm: 1}]",
         "6:26: error: \"organization.limits[0].rpn\" is not a setting that Headgate knows (did "
         "you mean `rpm`?)"},
        {"[{rpm: 5, rpm: 6}]",
         "6:34: error: \"organization.limits[0].rpm\" stands twice; the first is in line 6"},
        {"[{rpm: 5, mode: shaddow}]",
         "6:40: error: \"organization.limits[0].mode\" must be one of enforce, shadow (did you "
         "mean `shadow`?)"},
        {"[{rpm: 5, model: []}]",
         "6:41: error: \"organization.limits[0].model\" is an empty list; leave the setting out to "
         "allow all"},
        {"[{rpm: 5, model: \"gpt 5\"}]",
         "6:41: error: \"organization.limits[0].model\" must be a model's name or a pattern such "
         "as gpt-5*"},
        {"[60]",
         "6:25: error: \"organization.limits[0]\" must be a map of settings (`name: value`)"},
        {"[{rpm: }]", "6:26: error: \"organization.limits[0].rpm\" has no value"},
    };

    for (const Case& each : cases) {
        EXPECT_EQ(told(with_limits(each.limits)), std::string(each.told) + "\n");
    }
}

TEST(LimitsSection, RefusesTwoEntriesThatWouldShareABucket) {
    const LoadResult same = with_limits("[{rpm: 5},\n {tpm: 7},\n {model: '*', tpm: 9, rpm: 6}]");
    const LoadResult other =
        with_limits("[{rpm: 5}, {tpm: 7}, {model: gpt-5, rpm: 6}, {model: [gpt-5, o4], rpm: 6}]");

    EXPECT_EQ(
        told(same),
        "8:20: error: \"organization.limits[2].tpm\" limits what another entry limits for the "
        "same models, in line 7; keep one of them\n"
        "8:28: error: \"organization.limits[2].rpm\" limits what another entry limits for the "
        "same models, in line 6; keep one of them\n");
    EXPECT_EQ(told(other), "");
}

TEST(LimitsSection, LeavesOutWhatIsUnknownWithoutItsSecrets) {
    const LoadResult result = load_text(
        with_basics("organization: {limits: [{rpm: \"${RPM}\"}]}\n"), options_with({}, false));

    ASSERT_EQ(told(result), "");
    ASSERT_EQ(result.snapshot->organization.limits.size(), 1U);
    EXPECT_EQ(result.snapshot->organization.limits[0].amount(LimitKind::rpm), 0);
}

}  // namespace
}  // namespace headgate::policy
