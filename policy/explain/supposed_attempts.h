#pragma once

#include "policy/explain/explain.h"
#include "policy/explain/supposed_admission.h"
#include "policy/routing/plan.h"

namespace headgate::policy {

/// Step 8 for a question: walks the plan under the supposed answers, and tells the attempts and how
/// it ends. Returns the target that served; null: none did.
const PlannedTarget* play_attempts(const Plan& plan,
                                   const Question& question,
                                   bool is_streamed,
                                   SupposedAdmission& admission,
                                   Explanation& explanation);

}  // namespace headgate::policy
