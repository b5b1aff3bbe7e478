#include "proxy/pipeline/model_probe.h"

#include "proxy/net/head_writer.h"
#include "proxy/net/status_call.h"

namespace headgate::proxy {
namespace {

constexpr std::chrono::seconds kProbeTime{5};

std::string_view request_of(StatusCall& call, const ProviderLine& line) {
    HeadWriter head{call.room()};
    head.request_line("GET", line.wire->models_path);
    head.lines(line.wire->head_lines);
    head.field("accept", "application/json");
    head.field("connection", "close");
    const Bytes bytes = head.finish();
    return head.is_valid() ? bytes : std::string_view{};
}

}  // namespace

Task<void> probe_models(Reactor& reactor,
                        std::shared_ptr<PolicyView> view,
                        std::shared_ptr<policy::TargetHealth> target) {
    int status = 0;
    if (ProviderLine* line = view->line(target->provider())) {
        try {
            const auto call = std::make_unique<StatusCall>(reactor);
            const std::string_view request = request_of(*call, *line);
            if (!request.empty()) {
                status = co_await call->send(*line->upstream, {&request, 1},
                                             reactor.tick_after(kProbeTime));
            }
        } catch (const std::exception&) {
            status = 0;  // out of memory or descriptors: as if nobody had answered
        }
    }
    target->breaker().end_active_probe(status >= 200 && status < 300,
                                       std::chrono::steady_clock::now());
}

}  // namespace headgate::proxy
