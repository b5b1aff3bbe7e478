#pragma once

#include "policy/config/map_reader.h"
#include "providers/contract/provider.h"

namespace headgate::policy {

/// What only a `kind: azure` has (`api_version`, `deployments`), what its `base_url` has to be, and
/// whether its `models` say something. Reads `provider.base_url` and `provider.models`.
void read_azure_settings(Reading& reading, const MapReader& map, providers::Provider& provider);

}  // namespace headgate::policy
