#include "policy/explain/quiet_healths.h"

namespace headgate::policy {

TargetHealth& QuietHealths::of(const providers::Provider& provider, std::string_view model) {
    std::unique_ptr<TargetHealth>& health = healths_[{provider.name, std::string(model)}];
    if (!health) {
        health = std::make_unique<TargetHealth>(provider.name, std::string(model));
    }
    return *health;
}

}  // namespace headgate::policy
