#include "proxy/pipeline/worker.h"

#include "proxy/net/head_writer.h"
#include "proxy/pipeline/client_session.h"
#include "proxy/pipeline/model_probe.h"

#include <sys/socket.h>

#include <array>

namespace headgate::proxy {
namespace {

constexpr std::chrono::milliseconds kMaxWrongKeyDelay{50};
constexpr std::chrono::minutes kWrongKeyMemory{1};
constexpr std::chrono::milliseconds kProbeEvery{500};
constexpr std::size_t kMaxWrongKeyAddresses = 4096;
}  // namespace

Worker::Worker(Process& process,
               std::shared_ptr<const LoadedPolicy> policy,
               std::shared_ptr<metrics::AccessLog> access_log)
    : process_{process},
      access_{std::move(access_log)},
      view_{std::make_shared<PolicyView>(
          reactor_, process.resolver, process.healths, std::move(policy), nullptr)} {
    reactor_.on_tick([this] { sweep(); });
}

Worker::~Worker() {
    access_.flush();
}

void Worker::adopt(std::shared_ptr<const LoadedPolicy> policy,
                   std::shared_ptr<metrics::AccessLog> access_log) {
    reactor_.post([this, policy = std::move(policy), log = std::move(access_log)]() mutable {
        view_ = std::make_shared<PolicyView>(reactor_, process_.resolver, process_.healths,
                                             std::move(policy), view_.get());
        access_.write_to(std::move(log));
    });
}

void Worker::listen(int fd, bool is_unix) {
    listeners_.push_back(
        std::make_unique<Listener>(reactor_, fd, is_unix, [this](int client, std::string peer) {
            if (process_.connections.try_add(peer)) {
                ClientSession::serve(*this, client, std::move(peer));
            } else {
                refuse_connection(client);
            }
        }));
}

/// Above the limits: told in one write before anything is read.
void Worker::refuse_connection(int fd) {
    const std::string body = providers::to_json(
        {providers::ErrorCode::overloaded, "Too many connections are open: try again.", {}, {}});
    const auto now = std::chrono::system_clock::now();
    const RequestId id = ids_.next(now);
    HeadWriter head{scratch_->head};
    head.status_line(503);
    head.field("date", date(now));
    head.field("content-type", "application/json");
    head.field("content-length", body.size());
    head.field("x-request-id", text(id));
    head.field("retry-after", "1");
    head.field("connection", "close");
    const std::string answer = std::string{head.finish()} + body;
    ::send(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::close(fd);
}

void Worker::drain() {
    reactor_.post([this] {
        is_draining_ = true;
        listeners_.clear();
        const std::vector<ClientSession*> all(sessions_.begin(), sessions_.end());
        for (ClientSession* session : all) {
            if (session->is_idle()) {
                session->flow().cancel();
            }
        }
        // A reactor without flows sleeps for good: let it see that it may end.
        reactor_.stop();
    });
}

void Worker::stop() {
    reactor_.post([this] {
        listeners_.clear();
        reactor_.cancel_all();
        reactor_.stop();
    });
}

std::string_view Worker::date(providers::WallTime now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (second != date_second_) {
        date_second_ = second;
        const std::time_t time = std::chrono::system_clock::to_time_t(second);
        std::tm parts{};
        ::gmtime_r(&time, &parts);
        std::array<char, 32> text{};
        const std::size_t size =
            std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        date_.assign(text.data(), size);
    }
    return date_;
}

std::chrono::milliseconds Worker::wrong_key_delay(const std::string& peer) {
    if (wrong_keys_.size() >= kMaxWrongKeyAddresses) {
        wrong_keys_.clear();
    }
    const int count = ++wrong_keys_[peer];
    return std::min(std::chrono::milliseconds{count}, kMaxWrongKeyDelay);
}

void Worker::book(const policy::LedgerRow& row) noexcept {
    access_.append(row);
}

void Worker::count_unsettled() noexcept {
    counters_.unsettled.add(1);
}

void Worker::begin_active_probes() {
    for (std::shared_ptr<policy::TargetHealth>& target :
         process_.healths.claim_active_probes(std::chrono::steady_clock::now())) {
        start(probe_models(reactor_, view_, std::move(target)));
    }
}

void Worker::sweep() {
    std::size_t open = 0;
    for (ProviderLine& line : view_->lines()) {
        if (is_draining_) {
            line.upstream->close_idle();
        }
        line.upstream->sweep();
        open += line.upstream->open();
    }
    if (reactor_.tick() >= next_probes_ && !is_draining_) {
        next_probes_ = reactor_.tick_after(kProbeEvery);
        begin_active_probes();
    }
    counters_.upstream_connections.set(static_cast<std::int64_t>(open));
    access_.flush_if_due(reactor_.now());
    counters_.log_dropped.set(static_cast<std::int64_t>(access_.dropped()));
    if (reactor_.tick() >= forget_wrong_keys_) {
        wrong_keys_.clear();
        forget_wrong_keys_ = reactor_.tick_after(kWrongKeyMemory);
    }
}

}  // namespace headgate::proxy
