#include "policy/keys/webhook_signature.h"

#include <gtest/gtest.h>

namespace headgate::policy {
namespace {

// The example of the Standard Webhooks reference libraries.
TEST(WebhookSignatures, AreThoseOfStandardWebhooks) {
    const std::string signature =
        webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                          1614265330, R"({"test": 2432232314})");

    EXPECT_EQ(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignatures, TakeASecretThatIsNoBase64AsItIs) {
    const std::string plain = webhook_signature("a secret of mine", "id", 1, "{}");
    const std::string broken = webhook_signature("whsec_!!", "id", 1, "{}");

    EXPECT_EQ(plain.substr(0, 3), "v1,");
    EXPECT_NE(plain, broken);
    EXPECT_NE(plain, webhook_signature("a secret of mine", "id", 2, "{}"));
}

}  // namespace
}  // namespace headgate::policy
