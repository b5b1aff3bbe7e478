#include "policy/keys/webhook_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <vector>

namespace headgate::policy {
namespace {

constexpr std::string_view kPrefix = "whsec_";

std::string base64(const unsigned char* bytes, std::size_t size) {
    std::vector<unsigned char> text(4 * ((size + 2) / 3) + 1);
    const int length = EVP_EncodeBlock(text.data(), bytes, static_cast<int>(size));
    return {text.begin(), text.begin() + length};
}

/// nullopt: no base64.
std::optional<std::string> from_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::vector<unsigned char> bytes(text.size() / 4 * 3 + 1);
    const int size =
        EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()));
    if (size < 0) {
        return std::nullopt;
    }
    const auto padding = static_cast<int>(text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0);
    return std::string{bytes.begin(), bytes.begin() + size - padding};
}

std::string key_of(std::string_view secret) {
    if (secret.starts_with(kPrefix)) {
        if (auto key = from_base64(secret.substr(kPrefix.size()))) {
            return *key;
        }
    }
    return std::string{secret};
}

}  // namespace

std::string webhook_signature(std::string_view secret,
                              std::string_view id,
                              std::int64_t timestamp,
                              std::string_view body) {
    const std::string key = key_of(secret);
    const std::string content =
        std::string{id} + '.' + std::to_string(timestamp) + '.' + std::string{body};
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(),
             &size) == nullptr) {
        throw std::runtime_error("webhook_signature: HMAC-SHA256 failed");
    }
    return "v1," + base64(digest.data(), size);
}

}  // namespace headgate::policy
