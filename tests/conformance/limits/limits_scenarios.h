#pragma once

#include "tests/conformance/limits/limits_backend.h"

#include <span>

namespace headgate::policy::testing {

/// One thing that limits promise wherever they are kept; asserts by GoogleTest.
struct LimitsScenario {
    const char* name;
    void (*run)(BackendKind kind);
    bool needs_organization = false;  // which shards by project do not have
};

std::span<const LimitsScenario> bucket_scenarios();
std::span<const LimitsScenario> budget_scenarios();

}  // namespace headgate::policy::testing
