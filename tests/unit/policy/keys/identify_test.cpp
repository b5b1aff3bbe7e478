#include "policy/keys/identify.h"

namespace headgate::policy {
namespace {

using providers::ErrorCode;
using std::chrono::hours;

constexpr providers::WallTime kNow{hours{24 * 20'000}};

class IdentifyTest : public testing::Test {
protected:
    IdentifyTest() {
        search_.id = "search";
        closed_.id = "closed";
        closed_.enabled = false;
        ring_.add(hasher_.digest("hg-valid"), {.name = "prod", .project = &search_, .expires = {}});
        ring_.add(hasher_.digest("hg-old"), {.name = "old", .project = &search_, .expires = kNow});
        ring_.add(hasher_.digest("hg-soon"),
                  {.name = "soon", .project = &search_, .expires = kNow + hours{1}});
        ring_.add(hasher_.digest("hg-closed"), {.name = "c", .project = &closed_, .expires = {}});
        ring_.add(hasher_.digest("hg-closed-old"),
                  {.name = "d", .project = &closed_, .expires = kNow});
    }

    providers::Result<Identity> identity_of(std::optional<std::string_view> authorization,
                                            std::optional<std::string_view> api_key = {}) {
        return identify(ring_, hasher_, {authorization, api_key}, kNow);
    }

    Project search_;
    Project closed_;
    KeyHasher hasher_;
    KeyRing ring_;
};

TEST_F(IdentifyTest, FindsTheKeyInEveryAllowedSpelling) {
    const std::vector<Credentials> spellings = {
        {"Bearer hg-valid", {}},    {"bearer hg-valid", {}},         {"BEARER hg-valid", {}},
        {"Bearer   hg-valid ", {}}, {"Bearer\thg-valid", {}},        {{}, "hg-valid"},
        {{}, " hg-valid\t"},        {"Bearer hg-valid", "hg-valid"}, {"Bearer hg-valid", ""},
        {"", "hg-valid"},
    };

    for (const Credentials& credentials : spellings) {
        const auto found = identify(ring_, hasher_, credentials, kNow);

        ASSERT_TRUE(found.has_value()) << credentials.authorization.value_or("(none)");
        EXPECT_EQ(found->project->id, "search");
        EXPECT_EQ(found->key->name, "prod");
    }
}

TEST_F(IdentifyTest, RefusesWithTheCodeThatTellsWhy) {
    struct Case {
        Credentials credentials;
        ErrorCode code;
        int status;
    };
    const std::vector<Case> cases = {
        {{{}, {}}, ErrorCode::missing_api_key, 401},
        {{"", {}}, ErrorCode::missing_api_key, 401},
        {{"Bearer", {}}, ErrorCode::missing_api_key, 401},
        {{"Bearer  ", {}}, ErrorCode::missing_api_key, 401},
        {{"Basic aGc6dmFsaWQ=", {}}, ErrorCode::missing_api_key, 401},
        {{"Bearerhg-valid", {}}, ErrorCode::missing_api_key, 401},
        {{"hg-valid", {}}, ErrorCode::missing_api_key, 401},
        {{"Bearer hg-unknown", {}}, ErrorCode::invalid_api_key, 401},
        {{"Bearer HG-VALID", {}}, ErrorCode::invalid_api_key, 401},
        {{"Bearer hg-valid hg-valid", {}}, ErrorCode::invalid_api_key, 401},
        {{"Bearer hg-valid", "hg-soon"}, ErrorCode::invalid_api_key, 401},
        {{"Basic aGc6dmFsaWQ=", "hg-valid"}, ErrorCode::invalid_api_key, 401},
        {{"Bearer hg-old", {}}, ErrorCode::expired_api_key, 401},
        {{"Bearer hg-closed", {}}, ErrorCode::project_disabled, 403},
        {{"Bearer hg-closed-old", {}}, ErrorCode::expired_api_key, 401},
    };

    for (const Case& each : cases) {
        const auto found = identify(ring_, hasher_, each.credentials, kNow);

        ASSERT_FALSE(found.has_value());
        EXPECT_EQ(to_string(found.error().code), to_string(each.code))
            << each.credentials.authorization.value_or("(none)");
        EXPECT_EQ(found.error().status(), each.status);
    }
}

TEST_F(IdentifyTest, AcceptsAKeyUntilTheMomentItExpires) {
    EXPECT_TRUE(identity_of("Bearer hg-soon").has_value());
    EXPECT_FALSE(identity_of("Bearer hg-old").has_value());
}

TEST_F(IdentifyTest, NeverRepeatsTheKeyInItsMessage) {
    const auto unknown = identity_of("Bearer hg-0123456789");
    const auto two = identity_of("Bearer hg-0123456789", "hg-valid");

    EXPECT_EQ(unknown.error().message.find("0123456789"), std::string::npos);
    EXPECT_EQ(two.error().message.find("0123456789"), std::string::npos);
    EXPECT_EQ(two.error().message.find("hg-valid"), std::string::npos);
}

}  // namespace
}  // namespace headgate::policy
