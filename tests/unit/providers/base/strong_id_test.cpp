#include "providers/base/strong_id.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_map>

namespace headgate::providers {
namespace {

using ProjectId = StrongId<struct ProjectIdTag>;
using KeyId = StrongId<struct KeyIdTag>;

TEST(StrongId, ComparesByItsText) {
    EXPECT_EQ(ProjectId{"a"}, ProjectId{"a"});
    EXPECT_NE(ProjectId{"a"}, ProjectId{"b"});
    EXPECT_LT(ProjectId{"a"}, ProjectId{"b"});
}

TEST(StrongId, DoesNotMixWithAnotherKind) {
    static_assert(!std::is_convertible_v<ProjectId, KeyId>);
    static_assert(!std::is_constructible_v<KeyId, ProjectId>);
    static_assert(!std::equality_comparable_with<ProjectId, KeyId>);
}

TEST(StrongId, IsAKeyOfHashMaps) {
    std::unordered_map<ProjectId, int> counts;

    ++counts[ProjectId{"a"}];
    ++counts[ProjectId{"b"}];
    ++counts[ProjectId{"a"}];

    EXPECT_EQ(counts.size(), 2U);
    EXPECT_EQ(counts[ProjectId{"a"}], 2);
}

}  // namespace
}  // namespace headgate::providers
