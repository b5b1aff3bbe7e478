#pragma once

#include "policy/breaker/target_health.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::policy {

/// Targets of which nothing is known yet: closed, idle, not benched. For planning without a running
/// proxy. Not thread-safe; what of() gave lives as long as this.
class QuietHealths final : public TargetHealths {
public:
    TargetHealth& of(const providers::Provider& provider, std::string_view model) override;

private:
    std::map<std::pair<std::string, std::string>, std::unique_ptr<TargetHealth>> healths_;
};

}  // namespace headgate::policy
