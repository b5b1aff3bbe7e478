#include "providers/openai/mask.h"

namespace headgate::providers::openai {
namespace {

TEST(Mask, HidesIdsAndKeysAndLeavesAllOtherBytes) {
    const struct {
        std::string_view in;
        std::string_view out;
    } cases[] = {
        {"organization org-AbCdEf0123456789AbCdEf01 on", "organization org-*** on"},
        {"(org-abcdefghijklmnop)", "(org-***)"},
        {"`proj_AbC123`.", "`proj_***`."},
        {"provided: sk-proj-A_b-12**********WXYZ. You", "provided: sk-***. You"},
        {"sk-abc", "sk-***"},
        {"key=hg-live-0123456789,x", "key=hg-***,x"},
        {R"("line\nsk-abcdef")", R"("line\nsk-***")"},
        {"gsk_abcdefgh xai-12345678 AIzaSyA-1234567", "gsk_*** xai-*** AIza***"},
        {"org-*** sk-***", "org-*** sk-***"},
        {"org-Ab1org-Cd2 sk-a1b sk-c2d", "org-*** sk-*** sk-***"},
    };

    for (const auto& c : cases) {
        EXPECT_EQ(mask_identifiers(c.in), c.out);
    }
}

TEST(Mask, LeavesWordsAlone) {
    for (const std::string_view text :
         {"an org-wide limit", "risk-free task-force", "cyborg-A1B2C3", "sk- org- proj_", "",
          "org-specific-settings-of-yours", "Grüße, 世界"}) {
        EXPECT_EQ(mask_identifiers(text), text);
    }
}

}  // namespace
}  // namespace headgate::providers::openai
