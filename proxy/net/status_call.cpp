#include "proxy/net/status_call.h"

namespace headgate::proxy {
namespace {

constexpr HeadLimits kLimits{std::size_t{32} << 10, 200};

}  // namespace

Task<int> StatusCall::send(Upstream& upstream,
                           std::span<const std::string_view> pieces,
                           Tick until) {
    answer_.clear();
    problem_ = "the connection broke";
    auto socket = co_await upstream.connect(flow_, until, {});
    if (!socket) {
        problem_ = socket.error().problem;
        co_return 0;
    }
    (*socket)->attach(&flow_);
    SendQueue queue;
    if (!queue.send(**socket, pieces)) {
        co_return 0;
    }
    std::array<char, 512> bytes{};
    for (;;) {
        const std::uint8_t bits = queue.empty() ? kReadable : kReadable | kWritable;
        const Wake wake = co_await flow_.wait({socket->get(), bits}, until);
        if (wake != Wake::ready || !queue.flush(**socket)) {
            problem_ = wake == Wake::deadline ? "it did not answer in time" : problem_;
            co_return 0;
        }
        const IoResult got = (*socket)->read_some(bytes.data(), bytes.size());
        answer_.append(bytes.data(), got.bytes);
        const ScanResult scan = scan_answer_head(answer_, kLimits, head_);
        if (scan.status == ScanStatus::complete && head_.status >= 200) {
            problem_ = "it answered " + std::to_string(head_.status);
            co_return head_.status;
        }
        if (scan.status == ScanStatus::complete) {
            answer_.erase(0, scan.size);  // an interim answer
            continue;
        }
        const bool goes_on = got.status == IoStatus::done || got.status == IoStatus::would_block;
        if (!goes_on || scan.status != ScanStatus::incomplete) {
            co_return 0;
        }
    }
}

}  // namespace headgate::proxy
