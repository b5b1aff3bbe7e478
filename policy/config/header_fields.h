#pragma once

#include "policy/config/map_reader.h"
#include "providers/contract/provider.h"

#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// One `NAME: value` of a block whose names are header fields.
struct FieldSetting {
    std::string name;  // lower case
    const YamlNode* key = nullptr;
    Setting setting;
};

/// The entries of such a block. Reported and left out: what is no token (RFC 9110 §5.6.2) of at
/// most 64 characters, names that stand twice whatever their case, entries without a value.
std::vector<FieldSetting> read_fields(Reading& reading, const Setting& block);

/// True for a field that carries a credential of the client's, by its name (lower case).
bool is_credential_field(std::string_view name);

/// A provider's `headers` and `forward_headers`.
void read_provider_headers(Reading& reading, const MapReader& map, providers::Provider& provider);

}  // namespace headgate::policy
