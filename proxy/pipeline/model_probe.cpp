#include "proxy/pipeline/model_probe.h"

#include "proxy/net/head_writer.h"
#include "proxy/net/http_head.h"

#include <array>

namespace headgate::proxy {
namespace {

constexpr std::chrono::seconds kProbeTime{5};
constexpr HeadLimits kLimits{std::size_t{32} << 10, 200};

/// What a probe needs while it is suspended; too large for a coroutine's frame.
struct Probe {
    explicit Probe(Reactor& reactor) : flow{reactor} {}

    Flow flow;
    SendQueue queue;
    AnswerHead head;
    std::array<char, std::size_t{16} << 10> request{};
    std::string answer;
};

std::string_view request_of(Probe& probe, const ProviderLine& line) {
    HeadWriter head{probe.request};
    head.request_line("GET", line.wire->models_path);
    head.lines(line.wire->head_lines);
    head.field("accept", "application/json");
    head.field("connection", "close");
    const Bytes bytes = head.finish();
    return head.is_valid() ? bytes : std::string_view{};
}

/// The status of the answer; 0: none came.
Task<int> ask(Probe& probe, ProviderLine& line, Tick until) {
    auto socket = co_await line.upstream->connect(probe.flow, until, {});
    if (!socket) {
        co_return 0;
    }
    (*socket)->attach(&probe.flow);
    const std::string_view request = request_of(probe, line);
    if (request.empty() || !probe.queue.send(**socket, {&request, 1})) {
        co_return 0;
    }
    std::array<char, 512> bytes{};
    for (;;) {
        const std::uint8_t bits = probe.queue.empty() ? kReadable : kReadable | kWritable;
        if (co_await probe.flow.wait({socket->get(), bits}, until) != Wake::ready ||
            !probe.queue.flush(**socket)) {
            co_return 0;
        }
        const IoResult got = (*socket)->read_some(bytes.data(), bytes.size());
        probe.answer.append(bytes.data(), got.bytes);
        const ScanResult scan = scan_answer_head(probe.answer, kLimits, probe.head);
        if (scan.status == ScanStatus::complete && probe.head.status >= 200) {
            co_return probe.head.status;
        }
        if (scan.status == ScanStatus::complete) {
            probe.answer.erase(0, scan.size);  // an interim answer
            continue;
        }
        const bool goes_on = got.status == IoStatus::done || got.status == IoStatus::would_block;
        if (!goes_on || scan.status != ScanStatus::incomplete) {
            co_return 0;
        }
    }
}

}  // namespace

Task<void> probe_models(Reactor& reactor,
                        std::shared_ptr<PolicyView> view,
                        std::shared_ptr<policy::TargetHealth> target) {
    int status = 0;
    if (ProviderLine* line = view->line(target->provider())) {
        try {
            auto probe = std::make_unique<Probe>(reactor);
            status = co_await ask(*probe, *line, reactor.tick_after(kProbeTime));
        } catch (const std::exception&) {
            status = 0;  // out of memory or descriptors: as if nobody had answered
        }
    }
    target->breaker().end_active_probe(status >= 200 && status < 300,
                                       std::chrono::steady_clock::now());
}

}  // namespace headgate::proxy
