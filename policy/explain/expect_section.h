#pragma once

#include "policy/config/reading.h"
#include "policy/explain/policy_tests.h"

namespace headgate::policy {

/// `expect` of a policy test. Reported: what is faulty, names a route or provider that the policy
/// does not have, and a block that expects nothing.
Expectation read_expect(Reading& reading, const Setting& setting, const Snapshot& snapshot);

}  // namespace headgate::policy
