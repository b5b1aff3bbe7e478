#pragma once

#include "providers/simulator/behaviour.h"
#include "proxy/cli/commands.h"

#include <expected>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// The behaviour that `headgate simulate`'s options ask for; the error names the option.
std::expected<providers::Behaviour, std::string> behaviour_from_options(
    const SimulateOptions& options);

/// POST /simulator/behaviour: `current` with what the object changes. Members are named as in the
/// policy: first_byte, token_delay ("50ms"), tokens (a number), fail (a list of {status, rate,
/// retry_after}, {delay, rate} or {cut_after, rate}; [] ends all trouble). The error names the
/// member.
std::expected<providers::Behaviour, std::string> behaviour_from_json(std::string_view json,
                                                                     providers::Behaviour current);

/// The same form, whole.
std::string behaviour_to_json(const providers::Behaviour& behaviour);

}  // namespace headgate::proxy
