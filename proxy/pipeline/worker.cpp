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
constexpr std::chrono::seconds kUsesEvery{2};
/// How long a client that has begun to connect may take for it while we drain.
constexpr std::chrono::milliseconds kHandshakeTime{300};
/// Refusals of one project that have a row of their own, a second.
constexpr std::size_t kOwnRefusalRows = 10;

metrics::StoreOperation store_operation(SharedLimits::Operation operation) {
    switch (operation) {
        case SharedLimits::Operation::limits:
            return metrics::StoreOperation::redis_limits;
        case SharedLimits::Operation::connect:
            return metrics::StoreOperation::redis_connect;
        case SharedLimits::Operation::report:
            return metrics::StoreOperation::redis_report;
        case SharedLimits::Operation::heartbeat:
            return metrics::StoreOperation::redis_heartbeat;
    }
    std::unreachable();
}

}  // namespace

Worker::Worker(Process& process,
               std::size_t index,
               std::shared_ptr<const LoadedPolicy> policy,
               std::shared_ptr<metrics::AccessLog> access_log)
    : process_{process},
      access_{std::move(access_log)},
      view_{std::make_shared<PolicyView>(
          reactor_, process.resolver, process.healths, std::move(policy), nullptr)},
      journal_{process.bookkeeping->writer(index)},
      refusals_{std::max<std::size_t>(kOwnRefusalRows / process.workers, 1),
                [this](std::string_view row) {
                    if (journal_ != nullptr && !journal_->append(row)) {
                        counters_.rows_dropped.add(1);
                    }
                }},
      stored_keys_{process.bookkeeping->keys()} {
    if (process.shared_limits) {
        shared_limits_ = std::make_unique<SharedLimits>(
            reactor_, *process.shared_limits, index,
            [this](SharedLimits::Operation operation, std::chrono::nanoseconds took) {
                process_.store_times.observe(store_operation(operation), took);
            });
        shared_limits_->begin();
    }
    reactor_.on_tick([this] { sweep(); });
}

Worker::~Worker() {
    refusals_.flush_all();
    flush_uses();
    access_.flush();
}

void Worker::adopt_keys(std::shared_ptr<const policy::StoredKeys> keys) {
    reactor_.post([this, keys = std::move(keys)]() mutable { stored_keys_ = std::move(keys); });
}

void Worker::send_alert(const policy::BudgetAlert& alert) {
    reactor_.post([this, alert] {
        if (const auto& webhook = view_->policy().webhook) {
            const auto now = std::chrono::system_clock::now();
            std::string id{text(ids_.next(now))};
            id.replace(0, 4, "msg_");
            start(send_webhook(reactor_, process_.resolver, webhook, std::move(id),
                               alert_json(alert, now), [this](std::string_view problem) {
                                   process_.log(policy::LogLevel::error, problem);
                               }));
        }
    });
}

void Worker::note_commit() {
    reactor_.post([this] {
        const std::vector<Flow*> waiting(commit_waiters_.begin(), commit_waiters_.end());
        for (Flow* flow : waiting) {
            if (commit_waiters_.contains(flow)) {
                flow->wake();
            }
        }
    });
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
        if (snapshot().listen_shared) {
            for (const auto& listener : listeners_) {
                listener->leave_new_clients_to_others();
            }
            close_listeners_at_ = reactor_.tick_after(kHandshakeTime);
        } else {
            close_listeners();
        }
        close_idle_sessions();
        // A reactor without flows sleeps for good: let it see that it may end.
        reactor_.stop();
    });
}

/// One after the other, so that little time passes between the last accept and the end.
void Worker::close_listeners() {
    for (auto& listener : listeners_) {
        listener->accept_waiting();
        listener.reset();
    }
    listeners_.clear();
}

void Worker::close_idle_sessions() {
    const std::vector<ClientSession*> all(sessions_.begin(), sessions_.end());
    for (ClientSession* session : all) {
        if (session->may_be_closed()) {
            session->flow().cancel();
        }
    }
    if (shared_limits_ && sessions_.empty() && listeners_.empty() && !is_limits_end_told_) {
        is_limits_end_told_ = true;
        shared_limits_->finish();  // its flow must end, too
    }
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

double Worker::budget_used(const policy::Project& project, policy::Day day) {
    const policy::LimitBook::Rules rules = view_->policy().limits.rules_for(project, nullptr);
    const policy::BudgetSettings* budget = rules.project->budget;
    if (!shared_limits_ || budget == nullptr) {
        return policy::MemoryLimits::budget_used(*rules.project, day);
    }
    const std::int64_t used =
        shared_limits_->known_use(*rules.project, policy::span_of(*budget, day));
    return static_cast<double>(used) / static_cast<double>(budget->limit.nanos());
}

void Worker::settle_limits(const policy::Subject& subject,
                           const policy::Settled& settled,
                           const Grant& grant) noexcept {
    if (shared_limits_) {
        shared_limits_->settle(subject, settled, grant);
    } else {
        process_.limits.settle(subject, settled, reactor_.now());
    }
}

void Worker::count_shadows(const policy::Project& project, const policy::Decision& decision) {
    using What = metrics::RareCounters::What;
    for (const policy::LimitKind kind : policy::kAllLimitKinds) {
        if ((decision.shadow_kinds >> static_cast<unsigned>(kind) & 1U) != 0) {
            process_.rare.add(What::shadow, project.id, to_string(kind));
        }
    }
    if (decision.shadow_budget) {
        process_.rare.add(What::shadow, project.id, "budget");
    }
}

void Worker::book_unopened(const policy::LedgerRow& row) noexcept {
    if (journal_ == nullptr || (row.outcome == policy::Outcome::refused &&
                                refusals_.absorb(row, std::chrono::system_clock::now()))) {
        return;
    }
    const std::span<char> room = scratch_->record;
    if (!journal_->append({room.data(), policy::encode_row(row, room)})) {
        counters_.rows_dropped.add(1);  // no money is in a row that was never admitted
    }
}

void Worker::tell(const policy::LedgerRow& row,
                  std::optional<policy::LimitKind> refused_by) noexcept {
    using What = metrics::RareCounters::What;
    if (row.outcome == policy::Outcome::refused) {
        process_.rare.add(What::refused, row.project, row.code,
                          refused_by ? to_string(*refused_by) : std::string_view{});
    }
    if (row.over_reserved) {
        process_.rare.add(What::over_reserved, row.project);
    }
    access_.append(row);
}

void Worker::flush_uses() {
    std::vector<policy::KeyUse> uses;
    uses.reserve(uses_.size());
    for (const auto& [digest, time] : uses_) {
        uses.push_back({digest, time});
    }
    uses_.clear();
    process_.bookkeeping->note_uses(uses);
}

void Worker::begin_active_probes() {
    for (std::shared_ptr<policy::TargetHealth>& target :
         process_.healths.claim_active_probes(std::chrono::steady_clock::now())) {
        start(probe_models(reactor_, view_, std::move(target)));
    }
}

void Worker::sweep() {
    if (is_draining_) {
        if (reactor_.tick() >= close_listeners_at_) {
            close_listeners();
        }
        close_idle_sessions();
    }
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
    if (reactor_.tick() >= next_uses_ && !uses_.empty()) {
        next_uses_ = reactor_.tick_after(kUsesEvery);
        flush_uses();
    }
    refusals_.flush(std::chrono::system_clock::now());
    counters_.upstream_connections.set(static_cast<std::int64_t>(open));
    access_.flush_if_due(reactor_.now());
    counters_.log_dropped.set(static_cast<std::int64_t>(access_.dropped()));
    if (reactor_.tick() >= forget_wrong_keys_) {
        wrong_keys_.clear();
        forget_wrong_keys_ = reactor_.tick_after(kWrongKeyMemory);
    }
}

}  // namespace headgate::proxy
