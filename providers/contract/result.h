#pragma once

#include "providers/contract/api_error.h"

#include <expected>

namespace headgate::providers {

/// A value, or the error that the client shall see.
template <class T>
using Result = std::expected<T, ApiError>;

}  // namespace headgate::providers
