#pragma once

#include <expected>

#include "providers/contract/api_error.h"

namespace headgate::providers {

/// A value, or the error that the client shall see.
template <class T>
using Result = std::expected<T, ApiError>;

}  // namespace headgate::providers
