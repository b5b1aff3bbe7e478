#pragma once

#include "policy/config/show.h"
#include "tests/unit/policy/config/policy_file.h"
#include "tests/unit/policy/config/snapshot_text.h"

#include <gtest/gtest.h>

namespace headgate::policy {

inline const Environment kSecrets = {{"OPENAI_API_KEY", "upstream-key-one"},
                                     {"AZURE_API_KEY", "upstream-key-two"},
                                     {"TEAM_TOKEN", "team-token"},
                                     {"SIGNING", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"},
                                     {"STORE_PASSWORD", "p%40ss"},
                                     {"CLIENT_KEY", "hg-client-key-of-the-test-0001"},
                                     {"ADMIN_KEY", "hg-admin-key-of-the-test-00001"}};

/// Loads with all secrets at hand; a text that is no valid policy fails the test.
inline LoadResult loaded(std::string_view text) {
    LoadResult result = load_text(text, options_with(kSecrets));
    EXPECT_TRUE(result.snapshot) << told(result) << text;
    return result;
}

/// The policy as `headgate show` prints it.
inline std::string shown(std::string_view text) {
    const LoadResult result = loaded(text);
    return result.tree ? show_policy(*result.tree) : std::string{};
}

/// All fields of the policy of that text, its key `CLIENT_KEY` and the usual digest included.
inline std::string snapshot_text(std::string_view text) {
    const LoadResult result = loaded(text);
    const std::vector<KeyDigest> digests = {
        KeyHasher{}.digest(kSecrets.at("CLIENT_KEY")),
        *digest_from_hex("9a75a626f1cecda478cdb245ebc9ed4952e3f3fb5bfe8d250ffc65758a98e72e")};
    return result.snapshot ? SnapshotText::of(*result.snapshot, digests) : std::string{};
}

}  // namespace headgate::policy
