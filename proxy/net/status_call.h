#pragma once

#include "proxy/net/http_head.h"
#include "proxy/net/reactor.h"
#include "proxy/net/task.h"
#include "proxy/net/upstream.h"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// A call of our own of which only the answer's status counts: a probe, a webhook. One at a time;
/// too large for a coroutine's frame.
class StatusCall {
public:
    explicit StatusCall(Reactor& reactor) : flow_{reactor} {}

    /// Memory in which the caller may write the request's head.
    std::span<char> room() { return room_; }
    Flow& flow() { return flow_; }

    /// Sends the pieces on a new connection and reads as far as the answer's head. Its status; 0:
    /// none came until then, problem() says why.
    Task<int> send(Upstream& upstream, std::span<const std::string_view> pieces, Tick until);
    const std::string& problem() const { return problem_; }

private:
    Flow flow_;
    AnswerHead head_;
    std::array<char, std::size_t{16} << 10> room_{};
    std::string answer_;
    std::string problem_;
};

}  // namespace headgate::proxy
