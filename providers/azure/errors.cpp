#include "providers/azure/errors.h"

#include "providers/openai/error_body.h"
#include "providers/openai/errors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace headgate::providers::azure {
namespace {

using openai::ErrorBody;

constexpr std::array<std::string_view, 7> kAccessCodes{
    "AccessDenied",        "AuthenticationFailed", "AuthenticationTypeDisabled",
    "AuthorizationFailed", "PermissionDenied",     "NetworkAccessDenied",
    "Unauthorized"};

/// In lower case. The gateway's own 403s have no code but their status.
constexpr std::array<std::string_view, 9> kAccessWords{"public access is disabled",
                                                       "private endpoint",
                                                       "virtual network",
                                                       "firewall rules",
                                                       "key based authentication",
                                                       "lacks the required data action",
                                                       "does not have access to",
                                                       "subscription key",
                                                       "access denied"};

constexpr std::array<std::string_view, 4> kQuotaCodes{"QuotaExceeded", "quota_exceeded",
                                                      "QuotaExhausted", "quota_exhausted"};

/// In lower case; the first is the service's, the second API Management's.
constexpr std::array<std::string_view, 4> kQuotaWords{"exceeded your current quota",
                                                      "out of call volume quota", "quota exhausted",
                                                      "quota has been exhausted"};

constexpr std::array<std::string_view, 4> kContentCodes{
    "content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation",
    "moderation_blocked"};

bool is_among(std::span<const std::string_view> codes, std::string_view code) {
    return std::ranges::find(codes, code) != codes.end();
}

bool speaks_of_any(std::string_view text, std::span<const std::string_view> words) {
    return std::ranges::any_of(
        words, [text](std::string_view word) { return openai::speaks_of(text, word); });
}

std::string_view code_of(const ErrorBody& told) {
    return told.code ? std::string_view{*told.code} : std::string_view{};
}

bool tells_used_up_quota(int status, const ErrorBody& told) {
    return (status == 429 || status == 403) &&
           (is_among(kQuotaCodes, code_of(told)) || speaks_of_any(told.message, kQuotaWords));
}

/// A code that names the client's content wins over words, an access code over both.
bool tells_refused_access(int status, const ErrorBody& told) {
    if (status != 403) {
        return false;
    }
    const std::string_view code = code_of(told);
    return is_among(kAccessCodes, code) ||
           (!is_among(kContentCodes, code) && speaks_of_any(told.message, kAccessWords));
}

constexpr std::string_view kNoDeployment = "DeploymentNotFound";
constexpr std::string_view kNoDeploymentBody =
    R"({"error":{"message":"The provider has no deployment of this model.",)"
    R"("type":"invalid_request_error","param":null,"code":"DeploymentNotFound"}})";

}  // namespace

ProviderError decode_error(int status, Bytes body) {
    ProviderError error = openai::decode_error(status, body);
    if (body.size() > openai::kMaxErrorBody) {
        return error;
    }
    const std::optional<ErrorBody> told = openai::parse_error_body(body);
    if (!told) {
        return error;
    }
    if (!error.is_credential && tells_used_up_quota(status, *told)) {
        error.is_quota = true;
        error.is_daily = false;
    }
    if (!error.is_quota && tells_refused_access(status, *told)) {
        error.is_credential = true;
    }
    if (status == 404 && code_of(*told) == kNoDeployment) {
        error.body = kNoDeploymentBody;
    }
    return error;
}

}  // namespace headgate::providers::azure
