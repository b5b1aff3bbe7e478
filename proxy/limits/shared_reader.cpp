#include "proxy/limits/shared_reader.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::RespValue;
using std::chrono::steady_clock;

}  // namespace

std::optional<policy::BucketLevel> SharedFigures::level(const policy::BucketRule& rule,
                                                        providers::SteadyTime now) const {
    const auto found = buckets_.find(rule.name);
    if (found == buckets_.end()) {
        return std::nullopt;
    }
    const Known& known = found->second;
    const std::chrono::duration<double, std::milli> since = now - known.read_at;
    const std::optional<std::chrono::milliseconds> period = policy::period_of(rule.kind);
    policy::BucketLevel level{.limit = static_cast<double>(rule.limit),
                              .period_ms = period ? static_cast<double>(period->count()) : 0,
                              .now_ms = known.now_ms + std::max(0.0, since.count()),
                              .bucket = known.bucket};
    level.used = level.bucket.used_at(level.now_ms, level.limit, level.period_ms);
    return level;
}

std::optional<policy::SpentReserved> SharedFigures::money(std::string_view scope) const {
    const auto found = budgets_.find(scope);
    return found == budgets_.end() ? std::nullopt : std::optional{found->second};
}

void SharedFigures::add(const policy::CountersQuery& query,
                        const policy::SharedCounters& counters,
                        providers::SteadyTime read_at) {
    for (std::size_t i = 0; i < counters.buckets.size(); ++i) {
        buckets_[query.buckets[i]] = {counters.buckets[i], counters.now_ms, read_at};
    }
    for (std::size_t i = 0; i < counters.budgets.size(); ++i) {
        budgets_[query.budgets[i].scope] = counters.budgets[i];
    }
}

SharedReader::SharedReader(SharedLimitsProcess& process, Times times)
    : process_{process},
      times_{times},
      settings_{process.of_worker(0)},
      nodes_{reactor_, process.resolver(), process.settings().address, process.settings().trust} {
    reactor_.stop();  // each run() ends with its round
}

SharedReader::~SharedReader() {
    nodes_.close();
}

std::shared_ptr<const SharedFigures> SharedReader::read(const Asked& asked) {
    const std::scoped_lock lock{mutex_};
    const providers::SteadyTime now = steady_clock::now();
    if (book_ != asked.book || generation_ != asked.generation || day_ != asked.day) {
        adopt(asked);
    }
    if (failed_at_ && now - *failed_at_ < times_.fresh) {
        return figures_;
    }
    const std::vector<Part*> due = due_parts(asked.project, now);
    if (!due.empty()) {
        run_round(due);
        publish(steady_clock::now());
    }
    return figures_;
}

void SharedReader::adopt(const Asked& asked) {
    book_ = asked.book;
    generation_ = asked.generation;
    day_ = asked.day;
    parts_.clear();
    for (policy::CountersQuery& query :
         policy::counters_queries(*asked.book, settings_.shards_by_project, asked.day)) {
        parts_.push_back(
            {.query = std::move(query), .counters = {}, .read_at = {}, .tried_at = {}});
    }
    figures_ = nullptr;
}

/// Those that wait longest come first.
std::vector<SharedReader::Part*> SharedReader::due_parts(std::string_view project,
                                                         providers::SteadyTime now) {
    std::vector<Part*> due;
    for (Part& part : parts_) {
        const bool is_asked =
            project.empty() || part.query.project.empty() || part.query.project == project;
        const bool is_fresh =
            part.tried_at != providers::SteadyTime{} && now - part.tried_at < times_.fresh;
        if (is_asked && !is_fresh) {
            due.push_back(&part);
        }
    }
    std::ranges::sort(due, {}, &Part::tried_at);
    return due;
}

void SharedReader::run_round(const std::vector<Part*>& due) {
    start(watch_deadline());
    start(read_parts(due));
    reactor_.run();
}

Task<void> SharedReader::watch_deadline() {
    Flow flow{reactor_};
    watching_ = &flow;
    co_await flow.sleep(times_.deadline);
    watching_ = nullptr;
    if (reading_ != nullptr) {
        reading_->cancel();
    }
}

/// One round: of what is due as much as the time suffices for.
Task<void> SharedReader::read_parts(const std::vector<Part*>& due) {
    {
        Flow flow{reactor_};
        reading_ = &flow;
        bool has_read = false;
        try {
            // The reactor's ticks stood still since the last round: deadlines are counted in them.
            co_await flow.sleep(std::chrono::milliseconds{1});
            has_read = co_await read_all(due, flow);
        } catch (const std::exception&) {
            has_read = false;  // out of memory or descriptors: the next round may do
            nodes_.close();
        }
        // With a connection that still stands a part of a Cluster is away, or a command forbidden.
        const bool is_away = !has_read && !nodes_.is_connected();
        failed_at_ = is_away ? std::optional{steady_clock::now()} : std::nullopt;
        reading_ = nullptr;
    }
    if (watching_ != nullptr) {
        watching_->wake();
    }
}

/// True: something was read.
Task<bool> SharedReader::read_all(const std::vector<Part*>& due, Flow& flow) {
    const RedisResult<void> connected = co_await nodes_.connect(flow);
    if (!connected) {
        nodes_.close();
        co_return false;
    }
    bool has_read = false;
    for (Part* part : due) {
        const bool is_read = co_await read_one(*part, flow);
        has_read = has_read || is_read;
        if (flow.is_cancelled() || !nodes_.is_connected()) {
            break;
        }
    }
    co_return has_read;
}

/// What could not be read is not told any more: its node of a Cluster may be away alone.
Task<bool> SharedReader::read_one(Part& part, Flow& flow) {
    part.tried_at = steady_clock::now();
    const policy::RedisLimits::Call call = policy::counters_call(settings_, part.query);
    const RedisResult<RespValue> reply = co_await nodes_.ask_following(call, flow, times_.deadline);
    part.counters.reset();
    if (!reply) {
        co_return false;
    }
    auto counters = policy::parse_counters(part.query, *reply);
    if (!counters) {
        co_return false;
    }
    part.read_at = steady_clock::now();
    part.counters = std::move(*counters);
    note_budgets(part);
    co_return true;
}

/// In an outage of a worker it knows of costs that Redis has not been told yet.
void SharedReader::note_budgets(const Part& part) {
    if (!part.counters || !process_.is_up()) {
        return;
    }
    for (std::size_t i = 0; i < part.counters->budgets.size(); ++i) {
        const policy::CountersQuery::Budget& budget = part.query.budgets[i];
        const policy::SpentReserved& money = part.counters->budgets[i];
        // Each is below 2^62: their sum is in range.
        process_.budgets()
            .of(budget.scope)
            .note(budget.span.first, money.spent.nanos() + money.reserved.nanos());
    }
}

void SharedReader::publish(providers::SteadyTime now) {
    if (failed_at_) {
        for (Part& part : parts_) {
            part.counters.reset();
        }
        figures_ = nullptr;
        return;
    }
    auto figures = std::make_shared<SharedFigures>();
    for (const Part& part : parts_) {
        if (part.counters && now - part.read_at < times_.oldest) {
            figures->add(part.query, *part.counters, part.read_at);
        }
    }
    figures_ = std::move(figures);
}

}  // namespace headgate::proxy
