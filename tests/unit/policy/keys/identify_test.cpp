#include "policy/keys/identify.h"

namespace headgate::policy {
namespace {

using providers::ErrorCode;
using std::chrono::hours;

constexpr providers::WallTime kNow{hours{24 * 20'000}};

Key key_named(std::string name,
              const Project* project,
              std::optional<providers::WallTime> expires = {}) {
    Key key;
    key.name = std::move(name);
    key.project = project;
    key.expires = expires;
    return key;
}

class IdentifyTest : public testing::Test {
protected:
    IdentifyTest() {
        search_.id = "search";
        closed_.id = "closed";
        closed_.enabled = false;
        ring_.add(hasher_.digest("hg-valid"), key_named("prod", &search_));
        ring_.add(hasher_.digest("hg-old"), key_named("old", &search_, kNow));
        ring_.add(hasher_.digest("hg-soon"), key_named("soon", &search_, kNow + hours{1}));
        ring_.add(hasher_.digest("hg-closed"), key_named("c", &closed_));
        ring_.add(hasher_.digest("hg-closed-old"), key_named("d", &closed_, kNow));
    }

    providers::Result<Identity> identity_of(std::optional<std::string_view> authorization,
                                            std::optional<std::string_view> api_key = {}) {
        return served(identify({ring_}, hasher_, {authorization, api_key}));
    }

    /// As serving has it: who is found, unless something speaks against it.
    static providers::Result<Identity> served(const providers::Result<Identity>& found) {
        if (auto problem = found ? key_problem(*found, kNow) : std::nullopt) {
            return std::unexpected{std::move(*problem)};
        }
        return found;
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
        const auto found = served(identify({ring_}, hasher_, credentials));

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
        const auto found = served(identify({ring_}, hasher_, each.credentials));

        ASSERT_FALSE(found.has_value());
        EXPECT_EQ(to_string(found.error().code), to_string(each.code))
            << each.credentials.authorization.value_or("(none)");
        EXPECT_EQ(found.error().status(), each.status);
    }
}

TEST_F(IdentifyTest, KnowsWhoseAKeyIsThatOpensNothingAnyMore) {
    const auto expired = identify({ring_}, hasher_, {"Bearer hg-old", {}});
    const auto disabled = identify({ring_}, hasher_, {"Bearer hg-closed", {}});

    ASSERT_TRUE(expired && disabled);
    EXPECT_EQ(expired->key->name, "old");
    EXPECT_EQ(disabled->project, &closed_);
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

TEST_F(IdentifyTest, LooksAmongTheStoredKeysAfterThoseOfThePolicy) {
    StoredKeys stored;
    stored.add(hasher_.digest("hg-stored"), {"search", key_named("s", nullptr)});
    stored.add(hasher_.digest("hg-valid"), {"closed", key_named("shadowed", nullptr)});
    stored.add(hasher_.digest("hg-stored-old"), {"search", key_named("o", nullptr, kNow)});
    stored.add(hasher_.digest("hg-orphan"), {"gone", key_named("x", nullptr)});
    const ProjectIndex projects = {{"search", &search_}, {"closed", &closed_}};
    const auto find = [&](std::string_view key) {
        return served(identify({ring_, &stored, &projects}, hasher_, {{}, key}));
    };

    const auto found = find("hg-stored");
    const auto of_policy = find("hg-valid");

    ASSERT_TRUE(found);
    EXPECT_EQ(found->project, &search_);
    EXPECT_EQ(found->key->name, "s");
    ASSERT_TRUE(of_policy);
    EXPECT_EQ(of_policy->key->name, "prod");
    EXPECT_EQ(find("hg-stored-old").error().code, ErrorCode::expired_api_key);
    EXPECT_EQ(find("hg-orphan").error().code, ErrorCode::invalid_api_key);
    EXPECT_EQ(find("hg-nobody").error().code, ErrorCode::invalid_api_key);
}

}  // namespace
}  // namespace headgate::policy
