#include "proxy/admin/admin_key.h"

#include <algorithm>
#include <cctype>

namespace headgate::proxy {
namespace {

using providers::ErrorCode;

constexpr std::chrono::milliseconds kMostDelay{50};
constexpr std::chrono::minutes kMemory{1};
constexpr std::size_t kMostAddresses = 4096;

std::unexpected<providers::ApiError> refusal(ErrorCode code, std::string message) {
    return std::unexpected{
        providers::ApiError{.code = code, .message = std::move(message), .param = {}, .allow = {}}};
}

/// The token behind `Bearer `, whose case does not matter; empty where there is another scheme or
/// nothing.
std::string_view bearer_token(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    const bool is_bearer =
        authorization.size() > scheme.size() &&
        std::ranges::equal(authorization.substr(0, scheme.size()), scheme, [](char a, char b) {
            return a == b || (a >= 'A' && a <= 'Z' && (a | 0x20) == b);
        });
    const std::string_view rest = is_bearer ? authorization.substr(scheme.size()) : "";
    const std::size_t first = std::min(rest.find_first_not_of(' '), rest.size());
    return rest.substr(first);
}

bool are_equal(const policy::KeyDigest& left, const policy::KeyDigest& right) {
    unsigned different = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
        different |= static_cast<unsigned>(left[i] ^ right[i]);
    }
    return different == 0;
}

}  // namespace

providers::Result<std::string> check_admin_key(std::span<const policy::AdminKey> keys,
                                               policy::KeyHasher& hasher,
                                               std::string_view authorization) {
    if (keys.empty()) {
        return refusal(ErrorCode::invalid_api_key,
                       "This path needs an admin key, and the policy has none.");
    }
    const std::string_view token = bearer_token(authorization);
    if (token.empty()) {
        return refusal(ErrorCode::missing_api_key,
                       "This path needs an admin key: send it as `Authorization: Bearer "
                       "YOUR_ADMIN_KEY`.");
    }
    const policy::KeyDigest digest = hasher.digest(token);
    const policy::AdminKey* known = nullptr;
    for (const policy::AdminKey& key : keys) {  // all of them: time does not tell which
        known = are_equal(key.digest, digest) ? &key : known;
    }
    if (known == nullptr) {
        return refusal(ErrorCode::invalid_api_key, "The admin key is not known here.");
    }
    return known->name;
}

std::chrono::milliseconds WrongKeyDelays::next(const std::string& peer, providers::SteadyTime now) {
    if (now >= forget_at_ || counts_.size() >= kMostAddresses) {
        counts_.clear();
        forget_at_ = now + kMemory;
    }
    int& count = counts_[peer];
    count = std::min(count + 1, static_cast<int>(kMostDelay.count()));
    return std::chrono::milliseconds{count};
}

}  // namespace headgate::proxy
