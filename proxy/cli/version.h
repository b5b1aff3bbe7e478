#pragma once

#include "metrics/registry/metrics_registry.h"

namespace headgate::proxy {

/// The version and commit that this binary was built from.
metrics::BuildInfo build_info();

}  // namespace headgate::proxy
