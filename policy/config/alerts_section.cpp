#include "policy/config/base_url.h"
#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

constexpr KnownName kAlertNames[] = {{"webhook"}, {"secret"}};

constexpr std::string_view kSigningPrefix = "whsec_";
/// Below it a signature can be forged.
constexpr std::size_t kFewBytes = 24;

/// How many bytes `text` holds in base64 (RFC 4648 §4, padded); nullopt: it is none.
std::optional<std::size_t> base64_length(std::string_view text) {
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    const bool is_base64 = std::ranges::all_of(text.substr(0, text.size() - padding), [](char c) {
        return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
               c == '+' || c == '/';
    });
    if (!is_base64 || text.empty() || text.size() % 4 != 0) {
        return std::nullopt;
    }
    return text.size() / 4 * 3 - padding;
}

void read_signing_secret(Reading& reading, const Setting& setting, AlertSettings& alerts) {
    std::optional<std::string> secret = read_secret(reading, setting);
    if (!secret) {
        return;
    }
    const bool is_judged = reading.options().needs_secrets || setting.node->text.empty();
    if (secret->empty() && is_judged) {
        reading.error(setting, "is empty");
        return;
    }
    std::size_t length = secret->size();
    if (secret->starts_with(kSigningPrefix)) {
        const auto decoded = base64_length(std::string_view(*secret).substr(kSigningPrefix.size()));
        if (!decoded) {
            reading.error(setting,
                          "begins with whsec_ and must go on with base64, as Standard "
                          "Webhooks has it");
            return;
        }
        length = *decoded;
    }
    if (length < kFewBytes && !secret->empty()) {
        reading.warning(setting, "is shorter than 24 bytes and can be guessed");
    }
    alerts.secret = providers::Secret{std::move(*secret)};
}

}  // namespace

void read_alerts_section(Reading& reading, const MapReader& root, AlertSettings& alerts) {
    const std::optional<Setting> block = root.find("alerts");
    if (!block) {
        return;
    }
    const MapReader map{reading, *block, kAlertNames};
    map.require("webhook", "webhook: https://hooks.example.com/headgate");
    if (const std::optional<Setting> webhook = map.find("webhook")) {
        if (const std::optional<std::string> text = read_text_with_secret(reading, *webhook)) {
            Parsed<providers::BaseUrl> url = parse_webhook_url(*text);
            if (url) {
                alerts.webhook = std::move(*url);
            } else {
                reading.error(*webhook, url.error());
            }
        }
    }
    if (const std::optional<Setting> secret = map.find("secret")) {
        read_signing_secret(reading, *secret, alerts);
    }
}

}  // namespace headgate::policy
