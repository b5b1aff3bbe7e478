#include "policy/config/header_fields.h"

namespace headgate::policy {
namespace {

using providers::Provider;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxValueBytes = 4096;
constexpr std::size_t kMaxHeaders = 32;

/// Names that Headgate writes itself or that belong to the connection; those with `-` at their end
/// stand for all that begin so.
struct OwnedField {
    std::string_view name;
    std::string_view instead;  // the setting that this is for, or empty
};
constexpr OwnedField kOwnedFields[] = {
    {"accept", ""},
    {"accept-encoding", ""},
    {"api-key", "api_key"},
    {"authorization", "api_key"},
    {"connection", ""},
    {"content-", ""},
    {"cookie", ""},
    {"expect", ""},
    {"host", "base_url"},
    {"idempotency-key", ""},
    {"keep-alive", ""},
    {"openai-organization", "organization"},
    {"openai-project", "project"},
    {"proxy-", ""},
    {"te", ""},
    {"traceparent", ""},
    {"trailer", ""},
    {"transfer-encoding", ""},
    {"upgrade", ""},
    {"user-agent", ""},
};

constexpr std::string_view kForwarded[] = {"openai-organization", "openai-project", "openai-beta"};

bool is_token_char(char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        c = static_cast<char>('A' <= c && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return result;
}

const OwnedField* owned_field(std::string_view name) {
    const auto* const found = std::ranges::find_if(kOwnedFields, [name](const OwnedField& owned) {
        return owned.name.ends_with('-') ? name.starts_with(owned.name) : name == owned.name;
    });
    return found == std::end(kOwnedFields) ? nullptr : found;
}

Parsed<std::string> parse_field_value(std::string_view text) {
    const bool is_visible = std::ranges::all_of(text, [](char c) { return ' ' <= c && c <= '~'; });
    if (text.empty() || text.size() > kMaxValueBytes || !is_visible || text.front() == ' ' ||
        text.back() == ' ') {
        return std::unexpected(
            std::string("must be visible ASCII with blanks inside only, at most 4096 bytes long"));
    }
    return std::string(text);
}

void read_header(Reading& reading, const FieldSetting& field, Provider& provider) {
    if (const OwnedField* owned = owned_field(field.name)) {
        reading.error(
            {field.key, field.setting.path}, "is a field that Headgate sets itself",
            owned->instead.empty() ? "" : "use `" + std::string(owned->instead) + "` for it");
        return;
    }
    std::optional<std::string> value = read_scalar(reading, field.setting, parse_field_value);
    if (value == "<redacted>") {
        if (reading.options().needs_secrets) {
            reading.error(field.setting, "is redacted; put the secret or a reference to it here");
        }
        return;
    }
    if (value) {
        provider.headers.emplace_back(field.name, std::move(*value));
    }
}

void read_forwarded(Reading& reading, const Setting& setting, Provider& provider) {
    for (const Setting& item : read_list(setting)) {
        const std::optional<std::string> name = read_choice(reading, item, kForwarded);
        if (!name) {
            continue;
        }
        providers::ForwardedHeaders& forward = provider.forward_headers;
        bool& is_forwarded = *name == "openai-organization" ? forward.organization
                             : *name == "openai-project"    ? forward.project
                                                            : forward.beta;
        if (is_forwarded) {
            reading.error(item, "is listed twice");
        }
        is_forwarded = true;
        if (std::ranges::find(provider.headers, *name,
                              &std::pair<std::string, std::string>::first) !=
            provider.headers.end()) {
            reading.error(item, "is also in `headers`; it can be sent only once");
        }
    }
}

}  // namespace

std::vector<FieldSetting> read_fields(Reading& reading, const Setting& block) {
    std::vector<FieldSetting> fields;
    if (block.node->kind != YamlNode::Kind::map) {
        reading.error(block, "must be a map of header fields (`name: value`)");
        return fields;
    }
    std::map<std::string, const YamlNode*> places;
    for (const YamlEntry& entry : block.node->entries) {
        const YamlNode& key = *entry.key;
        const std::string path = block.path + "." + key.text.substr(0, kMaxNameBytes);
        if (key.text.empty() || key.text.size() > kMaxNameBytes ||
            !std::ranges::all_of(key.text, is_token_char)) {
            reading.error({&key, block.path},
                          "has a name that is no header field: 1 to 64 letters, digits and "
                          "!#$%&'*+-.^_`|~");
            continue;
        }
        std::string name = lower(key.text);
        const auto [first, is_new] = places.emplace(name, &key);
        if (!is_new) {
            reading.error({&key, path},
                          "stands twice; the first is in " + reading.place_of(key, *first->second));
        } else if (entry.value->kind == YamlNode::Kind::null) {
            reading.error({&key, path}, "has no value");
        } else {
            fields.push_back({std::move(name), &key, {entry.value.get(), path}});
        }
    }
    return fields;
}

bool is_credential_field(std::string_view name) {
    const auto ends_so = [name](std::string_view end) { return name.ends_with(end); };
    constexpr std::array<std::string_view, 6> ends = {"api-key",  "cookie", "token",
                                                      "password", "secret", "authorization"};
    return std::ranges::any_of(ends, ends_so);
}

void read_provider_headers(Reading& reading, const MapReader& map, Provider& provider) {
    if (const std::optional<Setting> block = map.find("headers")) {
        const std::vector<FieldSetting> fields = read_fields(reading, *block);
        if (fields.size() > kMaxHeaders) {
            reading.error(*block, "must hold at most 32 fields");
        }
        for (const FieldSetting& field : fields) {
            read_header(reading, field, provider);
        }
    }
    if (const std::optional<Setting> forward = map.find("forward_headers")) {
        read_forwarded(reading, *forward, provider);
    }
}

}  // namespace headgate::policy
