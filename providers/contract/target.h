#pragma once

#include "providers/contract/provider.h"

#include <string>

namespace headgate::providers {

/// A provider with a model: what an attempt is made at. `provider` lives in the Snapshot.
struct Target {
    const Provider* provider = nullptr;
    std::string_view model;  // what the provider is asked for
};

}  // namespace headgate::providers
