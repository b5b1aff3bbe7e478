#pragma once

#include "policy/explain/question.h"
#include "policy/explain/world.h"
#include "policy/keys/project.h"
#include "providers/base/money.h"
#include "providers/contract/endpoint.h"
#include "providers/contract/result.h"

#include <optional>

namespace headgate::policy {

/// A question that may be planned. Looks into the policy and the endpoint table.
struct CheckedQuestion {
    const Project* project = nullptr;
    const Key* key = nullptr;  // null: none in particular
    const providers::Endpoint* endpoint = nullptr;
    std::optional<providers::Money> max_cost;  // x-headgate-max-cost-usd
};

/// What stands before the plan, in the order of serving: key, project, endpoint, our own header
/// field, model. The error is the one that refuses the request.
providers::Result<CheckedQuestion> checked(const Question& question, const World& world);

}  // namespace headgate::policy
