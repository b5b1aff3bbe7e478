#include "policy/config/schema.h"

namespace headgate::policy {
namespace {

#include "policy/config/generated.inc"

}  // namespace

std::string_view policy_schema() {
    return kPolicySchema;
}

std::string_view policy_defaults() {
    return kPolicyDefaults;
}

}  // namespace headgate::policy
