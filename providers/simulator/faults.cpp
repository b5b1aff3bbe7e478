#include "providers/simulator/faults.h"

#include <algorithm>

namespace headgate::providers {

Trouble draw_trouble(const Behaviour& behaviour, SimulatorState& state) {
    using namespace std::chrono_literals;
    Trouble trouble;
    for (const Fault& fault : behaviour.fail) {
        if (state.draw() >= fault.rate) {
            continue;
        }
        if (fault.status && !trouble.status) {
            trouble.status = fault.status;
            trouble.retry_after = fault.retry_after;
        }
        trouble.delay += std::clamp<std::chrono::milliseconds>(fault.delay.value_or(0ms), 0ms, 24h);
        if (fault.cut_after) {
            const std::int64_t count = std::max<std::int64_t>(*fault.cut_after, 0);
            trouble.cut_after = std::min(trouble.cut_after.value_or(count), count);
        }
    }
    return trouble;
}

void cut(WireScript& script, std::int64_t count) {
    const auto kept = static_cast<std::size_t>(count);
    if (script.is_stream) {
        script.is_cut = kept < script.steps.size();
        script.steps.resize(std::min(kept, script.steps.size()));
        return;
    }
    const std::string whole = script.body();
    if (kept >= whole.size()) {
        return;
    }
    script.is_cut = true;
    script.unsent = whole.substr(kept);
    script.steps.clear();
    script.steps.push_back({std::chrono::milliseconds{0}, whole.substr(0, kept)});
}

}  // namespace headgate::providers
