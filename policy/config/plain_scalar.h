#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::policy {

/// What a scalar without quotes means by YAML 1.2's core schema (YAML 1.2.2 §10.3.2).
enum class PlainType : std::uint8_t { null, flag, integer, real, text };

PlainType plain_type(std::string_view text);

/// Whether some reader of YAML may take the scalar for something else than text, those of YAML 1.1
/// with their `yes`, dates and sexagesimal numbers included. Such a scalar must keep its quotes, or
/// their absence.
bool may_be_typed(std::string_view text);

}  // namespace headgate::policy
