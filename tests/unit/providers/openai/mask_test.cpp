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

TEST(Mask, HidesTheNamesOfAzuresResources) {
    const struct {
        std::string_view in;
        std::string_view out;
    } cases[] = {
        {"https://acme-eu.openai.azure.com/openai/v1", "https://***.openai.azure.com/openai/v1"},
        {"at acme-eu.openai.azure.com.", "at ***.openai.azure.com."},
        {"ACME.OpenAI.Azure.COM:443", "***.OpenAI.Azure.COM:443"},
        {"a.b.cognitiveservices.azure.com", "***.cognitiveservices.azure.com"},
        {"(acme.services.ai.azure.com)", "(***.services.ai.azure.com)"},
        {"eastus.api.cognitive.microsoft.com", "***.api.cognitive.microsoft.com"},
        {"acme.azure-api.net acme.openai.azure.com", "***.azure-api.net ***.openai.azure.com"},
        {R"("see\nacme.openai.azure.com")", R"("see\n***.openai.azure.com")"},
        {R"("see\u000aacme.openai.azure.com")", R"("see\u000a***.openai.azure.com")"},
        {R"("see\\acme.openai.azure.com")", R"("see\\***.openai.azure.com")"},
        {R"(\u00)", R"(\u00)"},
    };

    for (const auto& c : cases) {
        EXPECT_EQ(mask_identifiers(c.in), c.out);
        EXPECT_EQ(mask_identifiers(c.out), c.out);
    }
}

TEST(Mask, TakesTimeInProportionToTheText) {
    std::string text(200'000, '\\');
    text.append(200'000, 'a').append(".openai.azure.com");

    const std::string masked = mask_identifiers(text);

    EXPECT_EQ(masked, std::string(200'000, '\\') + "***.openai.azure.com");
}

TEST(Mask, LeavesWordsAlone) {
    for (const std::string_view text :
         {"an org-wide limit", "risk-free task-force", "cyborg-A1B2C3", "sk- org- proj_", "",
          "org-specific-settings-of-yours", "Grüße, 世界", "https://cognitiveservices.azure.com",
          "acme.openai.azure.com.example.org", "openai.azure.com", ".openai.azure.com"}) {
        EXPECT_EQ(mask_identifiers(text), text);
    }
}

}  // namespace
}  // namespace headgate::providers::openai
