#include "providers/simulator/call.h"

#include <algorithm>

namespace headgate::providers {

std::chrono::milliseconds Call::token_delay() const {
    using namespace std::chrono_literals;
    // An hour a token is more than anybody waits for, and its sums stay far from overflow.
    return std::clamp<std::chrono::milliseconds>(behaviour.token_delay, 0ms, 1h);
}

std::int64_t Call::natural_tokens(std::int64_t choices) const {
    return std::clamp<std::int64_t>(behaviour.tokens, 0,
                                    kMostTokens / std::max<std::int64_t>(choices, 1));
}

std::int64_t Call::bounded_cap(std::optional<std::int64_t> asked, std::int64_t choices) const {
    const std::int64_t most = kMostTokens / std::max<std::int64_t>(choices, 1);
    return std::min(asked.value_or(most), most);
}

WireScript plain_answer(const Call& call, std::string body, std::int64_t tokens) {
    WireScript script;
    script.before_head = call.token_delay() * std::max<std::int64_t>(tokens - 1, 0);
    script.steps.push_back({std::chrono::milliseconds{0}, std::move(body)});
    return script;
}

void EventStream::tick() {
    wait_ = has_ticked_ ? token_delay_ : std::chrono::milliseconds{0};
    has_ticked_ = true;
}

void EventStream::data(std::string_view json) {
    constexpr std::string_view kData = "data: ";
    std::string bytes;
    bytes.reserve(kData.size() + json.size() + 2);
    bytes += kData;
    bytes += json;
    bytes += "\n\n";
    push(std::move(bytes));
}

void EventStream::event(std::string_view name, std::string_view json) {
    std::string bytes = "event: ";
    bytes.reserve(bytes.size() + name.size() + json.size() + 10);
    bytes += name;
    bytes += "\ndata: ";
    bytes += json;
    bytes += "\n\n";
    push(std::move(bytes));
}

void EventStream::push(std::string bytes) {
    script_.steps.push_back({wait_, std::move(bytes)});
    wait_ = std::chrono::milliseconds{0};
}

}  // namespace headgate::providers
