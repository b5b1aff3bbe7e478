#pragma once

#include "policy/explain/question.h"
#include "providers/contract/result.h"

#include <string_view>

namespace headgate::proxy {

/// The query of GET /headgate/v1/explain (without the `?`), percent-decoded as forms are (`+` is a
/// space): `project` and `model` are needed; `endpoint`, `stream` (true or false) and `header`
/// (NAME:VALUE or NAME=VALUE, any number of times) may come. Error: invalid_request with the
/// parameter at fault.
providers::Result<policy::Question> question_from(std::string_view query);

}  // namespace headgate::proxy
