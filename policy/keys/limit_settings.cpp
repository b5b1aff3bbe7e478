#include "policy/keys/limit_settings.h"

namespace headgate::policy {

std::string_view to_string(LimitKind kind) {
    switch (kind) {
        case LimitKind::rpm:
            return "rpm";
        case LimitKind::tpm:
            return "tpm";
        case LimitKind::rpd:
            return "rpd";
        case LimitKind::tpd:
            return "tpd";
        case LimitKind::ipm:
            return "ipm";
        case LimitKind::concurrent:
            return "concurrent";
    }
    std::unreachable();
}

std::optional<std::chrono::seconds> period_of(LimitKind kind) {
    switch (kind) {
        case LimitKind::rpm:
        case LimitKind::tpm:
        case LimitKind::ipm:
            return std::chrono::minutes{1};
        case LimitKind::rpd:
        case LimitKind::tpd:
            return std::chrono::days{1};
        case LimitKind::concurrent:
            return std::nullopt;
    }
    std::unreachable();
}

std::string LimitEntry::label() const {
    std::string text;
    for (const std::string& glob : models) {
        text += text.empty() ? "" : ",";
        text += glob;
    }
    return text;
}

}  // namespace headgate::policy
