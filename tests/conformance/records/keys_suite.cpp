#include "tests/conformance/records/record_store_suite.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>

namespace headgate::policy {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::minutes;

KeyDigest digest_of(std::uint8_t first) {
    KeyDigest digest{};
    digest.front() = first;
    digest.back() = 0xff;
    return digest;
}

StoredKey key_of(std::uint8_t first, std::string project, std::string name) {
    return {.digest = digest_of(first),
            .project = std::move(project),
            .name = std::move(name),
            .prefix = "hg-Ab12",
            .created = kFirstDay + milliseconds{1},
            .expires = std::nullopt,
            .revoked = std::nullopt};
}

std::map<KeyDigest, providers::WallTime> uses_of(RecordStore& store) {
    std::map<KeyDigest, providers::WallTime> uses;
    const auto found = store.uses();
    EXPECT_TRUE(found);
    for (const KeyUse& use : found.value_or(std::vector<KeyUse>{})) {
        EXPECT_TRUE(uses.emplace(use.digest, use.last_used).second);
    }
    return uses;
}

TEST_P(RecordStoreSuite, GivesKeysBackAsTheyWereAdded) {
    StoredKey expiring = key_of(0, "shop", "o'brien \"\xe6\x97\xa5\"; DROP TABLE keys");
    expiring.expires = kFirstDay + days{30};
    const StoredKey lasting = key_of(7, "lab", "robot");
    ASSERT_TRUE(store_->add_key(expiring));
    ASSERT_TRUE(connect()->add_key(lasting));

    const auto keys = store_->keys();

    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 2U);
    for (const StoredKey& expected : {expiring, lasting}) {
        const auto found = std::ranges::find(*keys, expected.digest, &StoredKey::digest);
        ASSERT_NE(found, keys->end());
        EXPECT_EQ(found->project, expected.project);
        EXPECT_EQ(found->name, expected.name);
        EXPECT_EQ(found->prefix, expected.prefix);
        EXPECT_EQ(found->created, expected.created);
        EXPECT_EQ(found->expires, expected.expires);
        EXPECT_FALSE(found->revoked);
    }
}

TEST_P(RecordStoreSuite, RefusesASecondKeyOfThatNameInTheProjectUntilTheFirstIsRevoked) {
    ASSERT_TRUE(store_->add_key(key_of(1, "shop", "till")));

    const Stored<void> same = connect()->add_key(key_of(2, "shop", "till"));
    const Stored<void> elsewhere = store_->add_key(key_of(3, "lab", "till"));
    const Stored<bool> revoked = store_->revoke_key("shop", "till", kFirstDay + minutes{1});
    const Stored<void> after = store_->add_key(key_of(4, "shop", "till"));

    ASSERT_FALSE(same);
    EXPECT_EQ(same.error().kind, StoreError::Kind::refused);
    EXPECT_NE(same.error().text.find("till"), std::string::npos);
    EXPECT_TRUE(elsewhere);
    EXPECT_TRUE(revoked && *revoked);
    EXPECT_TRUE(after);
}

TEST_P(RecordStoreSuite, RefusesADigestThatIsThere) {
    ASSERT_TRUE(store_->add_key(key_of(1, "shop", "till")));

    const Stored<void> again = store_->add_key(key_of(1, "lab", "robot"));

    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, StoreError::Kind::refused);
}

TEST_P(RecordStoreSuite, RevokesAKeyOnceAndKeepsItInTheList) {
    ASSERT_TRUE(store_->add_key(key_of(1, "shop", "till")));

    const Stored<bool> unknown = store_->revoke_key("shop", "office", kFirstDay);
    const Stored<bool> foreign = store_->revoke_key("lab", "till", kFirstDay);
    const Stored<bool> first = store_->revoke_key("shop", "till", kFirstDay + minutes{1});
    const Stored<bool> second = store_->revoke_key("shop", "till", kFirstDay + minutes{2});

    ASSERT_TRUE(unknown && foreign && first && second);
    EXPECT_FALSE(*unknown);
    EXPECT_FALSE(*foreign);
    EXPECT_TRUE(*first);
    EXPECT_FALSE(*second);
    const auto keys = store_->keys();
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ(keys->front().revoked, kFirstDay + minutes{1});
}

TEST_P(RecordStoreSuite, KeepsTheLaterUseOfAKey) {
    const std::vector<KeyUse> first{{digest_of(1), kFirstDay + minutes{5}},
                                    {digest_of(2), kFirstDay + minutes{5}}};
    const std::vector<KeyUse> second{{digest_of(1), kFirstDay + minutes{4}},
                                     {digest_of(2), kFirstDay + minutes{6}},
                                     {digest_of(3), kFirstDay}};

    ASSERT_TRUE(store_->note_uses(first));
    ASSERT_TRUE(connect()->note_uses(second));
    ASSERT_TRUE(store_->note_uses({}));

    const auto uses = uses_of(*store_);
    EXPECT_EQ(uses.size(), 3U);
    EXPECT_EQ(uses.at(digest_of(1)), kFirstDay + minutes{5});
    EXPECT_EQ(uses.at(digest_of(2)), kFirstDay + minutes{6});
    EXPECT_EQ(uses.at(digest_of(3)), kFirstDay);
}

TEST_P(RecordStoreSuite, KeepsTheLaterUseOfAKeyThatStandsTwiceInOneCall) {
    const std::vector<KeyUse> uses{{digest_of(1), kFirstDay + minutes{5}},
                                   {digest_of(1), kFirstDay + minutes{9}},
                                   {digest_of(1), kFirstDay + minutes{7}}};

    ASSERT_TRUE(store_->note_uses(uses));

    EXPECT_EQ(uses_of(*store_).at(digest_of(1)), kFirstDay + minutes{9});
}

TEST_P(RecordStoreSuite, TellsTheLatestOfTheAuditNewestFirst) {
    const auto second = connect();
    const std::array connections{store_.get(), second.get()};
    for (int i = 0; i < 5; ++i) {
        const AuditEntry entry{.time = kFirstDay + minutes{9 - i},  // the clock was set back
                               .actor = "ops'",
                               .action = "reload",
                               .detail = "generation " + std::to_string(i)};
        ASSERT_TRUE(connections[static_cast<std::size_t>(i % 2)]->add_audit(entry));
    }

    const auto latest = store_->audit(3);
    const auto all = store_->audit(std::numeric_limits<std::size_t>::max());
    const auto none = store_->audit(0);

    ASSERT_TRUE(latest && all && none);
    EXPECT_EQ(all->size(), 5U);
    EXPECT_TRUE(none->empty());
    ASSERT_EQ(latest->size(), 3U);
    for (int i = 0; i < 3; ++i) {
        const AuditEntry& entry = (*latest)[static_cast<std::size_t>(i)];
        EXPECT_EQ(entry.detail, "generation " + std::to_string(4 - i));
        EXPECT_EQ(entry.time, kFirstDay + minutes{5 + i});
        EXPECT_EQ(entry.actor, "ops'");
        EXPECT_EQ(entry.action, "reload");
    }
}

TEST_P(RecordStoreSuite, GivesAnAlertToTheFirstWhoClaimsIt) {
    const auto second = connect();

    const Stored<bool> first_claim = store_->claim_alert("shop", "2026-03", 80);
    const Stored<bool> second_claim = second->claim_alert("shop", "2026-03", 80);
    const Stored<bool> own_again = store_->claim_alert("shop", "2026-03", 80);
    const Stored<bool> higher = second->claim_alert("shop", "2026-03", 100);
    const Stored<bool> next_period = second->claim_alert("shop", "2026-04", 80);
    const Stored<bool> elsewhere = store_->claim_alert("lab", "2026-03", 80);

    ASSERT_TRUE(first_claim && second_claim && own_again && higher && next_period && elsewhere);
    EXPECT_TRUE(*first_claim);
    EXPECT_FALSE(*second_claim);
    EXPECT_FALSE(*own_again);
    EXPECT_TRUE(*higher);
    EXPECT_TRUE(*next_period);
    EXPECT_TRUE(*elsewhere);
}

}  // namespace
}  // namespace headgate::policy
