#pragma once

#include "policy/config/reading.h"
#include "policy/explain/question.h"

namespace headgate::policy {

/// `given` of a policy test. What is faulty, or names a project or provider that the policy does
/// not have, is reported and keeps its default.
Question read_given(Reading& reading, const Setting& setting, const Snapshot& snapshot);

}  // namespace headgate::policy
