#include "policy/keys/limit_settings.h"

namespace headgate::policy {
namespace {

using std::chrono::seconds;

TEST(LimitSettings, NameEveryKindAndTellInWhichTimeItDrains) {
    struct Case {
        LimitKind kind;
        std::string_view name;
        std::optional<seconds> period;
    };
    const std::vector<Case> cases = {
        {LimitKind::rpm, "rpm", seconds{60}},    {LimitKind::tpm, "tpm", seconds{60}},
        {LimitKind::rpd, "rpd", seconds{86400}}, {LimitKind::tpd, "tpd", seconds{86400}},
        {LimitKind::ipm, "ipm", seconds{60}},    {LimitKind::concurrent, "concurrent", {}},
    };

    ASSERT_EQ(cases.size(), kLimitKinds);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        EXPECT_EQ(cases[i].kind, kAllLimitKinds[i]);
        EXPECT_EQ(to_string(cases[i].kind), cases[i].name);
        EXPECT_EQ(period_of(cases[i].kind), cases[i].period) << cases[i].name;
    }
}

TEST(LimitSettings, LabelAnEntryByItsGlobsInTheirOrder) {
    LimitEntry entry;

    EXPECT_EQ(entry.label(), "*");

    entry.models = {"gpt-5*", "o4*"};
    entry.amounts[static_cast<std::size_t>(LimitKind::tpd)] = 7;

    EXPECT_EQ(entry.label(), "gpt-5*,o4*");
    EXPECT_EQ(entry.amount(LimitKind::tpd), 7);
    EXPECT_EQ(entry.amount(LimitKind::rpm), 0);
}

}  // namespace
}  // namespace headgate::policy
