#pragma once

#include "policy/routing/attempt_walk.h"

#include <functional>
#include <string>

namespace headgate::policy {

/// A gate that a test scripts, and that remembers what it was asked.
class ScriptedGate : public AttemptGate {
public:
    using Answer = std::function<bool(const PlannedTarget& target, bool is_repeat)>;

    explicit ScriptedGate(Answer answer = [](const PlannedTarget&, bool) { return true; })
        : answer_{std::move(answer)} {}

    bool admit(const PlannedTarget& target, bool is_repeat) override {
        asked_ += asked_.empty() ? "" : " ";
        asked_ += target.is_last_resort ? "!" : "";
        asked_ += target.target.provider->name + (is_repeat ? "+" : "");
        return answer_(target, is_repeat);
    }

    /// "a !b c+": each question's provider, `!` before a last resort, `+` behind a repeat.
    const std::string& asked() const { return asked_; }

private:
    Answer answer_;
    std::string asked_;
};

}  // namespace headgate::policy
