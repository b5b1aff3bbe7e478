#include "policy/keys/project.h"

#include "policy/keys/client_key.h"

#include <set>

namespace headgate::policy {
namespace {

Key key_named(std::string name, const Project* project = nullptr) {
    Key key;
    key.name = std::move(name);
    key.project = project;
    return key;
}

TEST(KeyHasher, GivesTheDigestsOfFips180) {
    KeyHasher hasher;

    const std::string empty = to_hex(hasher.digest(""));
    const std::string abc = to_hex(hasher.digest("abc"));

    EXPECT_EQ(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(abc, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(KeyHasher, StartsAfreshWithEveryKey) {
    KeyHasher hasher;

    const KeyDigest first = hasher.digest("hg-one");
    hasher.digest("hg-two");
    const KeyDigest again = hasher.digest("hg-one");

    EXPECT_EQ(first, again);
}

TEST(KeyDigest, SurvivesTheWayThroughHex) {
    KeyHasher hasher;
    const KeyDigest digest = hasher.digest("hg-one");

    const std::optional<KeyDigest> back = digest_from_hex(to_hex(digest));

    EXPECT_EQ(back, digest);
}

TEST(KeyDigest, RefusesWhatIsNot64LowerCaseHexDigits) {
    const std::string good(64, 'a');

    EXPECT_TRUE(digest_from_hex(good).has_value());
    EXPECT_FALSE(digest_from_hex("").has_value());
    EXPECT_FALSE(digest_from_hex(good.substr(1)).has_value());
    EXPECT_FALSE(digest_from_hex(good + "a").has_value());
    EXPECT_FALSE(digest_from_hex(std::string(64, 'A')).has_value());
    EXPECT_FALSE(digest_from_hex(std::string(63, 'a') + "g").has_value());
    EXPECT_FALSE(digest_from_hex(std::string(63, 'a') + '\0').has_value());
}

TEST(KeyRing, FindsWhatWasAddedAndNothingElse) {
    KeyHasher hasher;
    KeyRing ring;
    const Project project;
    for (int i = 0; i < 1000; ++i) {
        const std::string name = "key-" + std::to_string(i);
        ASSERT_TRUE(ring.add(hasher.digest(name), key_named(name, &project)));
    }

    const Key* found = ring.find(hasher.digest("key-617"));
    const Key* missing = ring.find(hasher.digest("key-1000"));

    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->name, "key-617");
    EXPECT_EQ(found->digest, hasher.digest("key-617"));
    EXPECT_EQ(missing, nullptr);
    EXPECT_EQ(KeyRing{}.find(hasher.digest("key-617")), nullptr);
}

TEST(KeyRing, KeepsTheFirstOfTwoEqualDigests) {
    KeyHasher hasher;
    KeyRing ring;
    ring.add(hasher.digest("key"), key_named("first"));

    const bool added = ring.add(hasher.digest("key"), key_named("second"));

    EXPECT_FALSE(added);
    EXPECT_EQ(ring.find(hasher.digest("key"))->name, "first");
}

TEST(ClientKey, ConvertsAll256BitsAtAFixedWidth) {
    KeyBits zero{};
    KeyBits ascending{};
    KeyBits ones{};
    for (std::size_t i = 0; i < ones.size(); ++i) {
        ascending[i] = static_cast<std::uint8_t>(i);
        ones[i] = 0xFF;
    }

    EXPECT_EQ(base62_from(zero), std::string(43, '0'));
    EXPECT_EQ(base62_from(ascending), "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf");
    EXPECT_EQ(base62_from(ones), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
}

TEST(ClientKey, IsNewEveryTimeAndAlwaysOfTheSameShape) {
    std::set<std::string> keys;

    for (int i = 0; i < 200; ++i) {
        keys.insert(make_client_key());
    }

    EXPECT_EQ(keys.size(), 200U);
    for (const std::string& key : keys) {
        EXPECT_EQ(key.size(), 46U);
        EXPECT_TRUE(key.starts_with("hg-"));
        EXPECT_TRUE(std::ranges::all_of(key.substr(3), [](char c) {
            return ('0' <= c && c <= '9') || ('A' <= c && c <= 'Z') || ('a' <= c && c <= 'z');
        }));
    }
}

TEST(Project, AllowsAllWhereNoListIsGiven) {
    const Project project;

    EXPECT_TRUE(project.may_use_model("gpt-5"));
    EXPECT_TRUE(project.may_use_family("chat"));
}

TEST(Project, AllowsOnlyWhatItsListsName) {
    Project project;
    project.models = {"gpt-5*", "o4-mini"};
    project.endpoints = {"chat"};

    EXPECT_TRUE(project.may_use_model("gpt-5-mini"));
    EXPECT_TRUE(project.may_use_model("o4-mini"));
    EXPECT_FALSE(project.may_use_model("o4-mini-high"));
    EXPECT_FALSE(project.may_use_model("GPT-5"));
    EXPECT_TRUE(project.may_use_family("chat"));
    EXPECT_FALSE(project.may_use_family("cha"));
}

}  // namespace
}  // namespace headgate::policy
