#pragma once

#include "policy/limits/bucket_level.h"
#include "policy/store/redis/shared_counters.h"
#include "providers/base/clock.h"
#include "proxy/limits/redis_nodes.h"
#include "proxy/limits/shared_limits_process.h"
#include "proxy/net/reactor.h"
#include "proxy/net/task.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headgate::proxy {

/// What Redis had of one policy's limits and budgets: of all processes together. Immutable.
class SharedFigures {
public:
    /// How full the bucket is at `now`. nullopt: Redis did not tell.
    std::optional<policy::BucketLevel> level(const policy::BucketRule& rule,
                                             providers::SteadyTime now) const;
    /// Of the budget's present period; `scope` is a project's id, or empty: the organization.
    std::optional<policy::SpentReserved> money(std::string_view scope) const;

    void add(const policy::CountersQuery& query,
             const policy::SharedCounters& counters,
             providers::SteadyTime read_at);

private:
    struct Known {
        policy::Bucket bucket;
        double now_ms = 0;  // of the server's clock, when it was read
        providers::SteadyTime read_at;
    };

    std::unordered_map<std::string, Known> buckets_;  // by BucketRule::name
    std::map<std::string, policy::SpentReserved, std::less<>> budgets_;
};

/// Asks Redis for the admin API and the metrics, on a connection of its own that is kept. Blocks
/// its caller for Times::deadline at most. Thread-safe by a lock, which is held meanwhile: today
/// there is one caller, the admin thread, which also answers scrapes.
///
/// What was read is told for Times::fresh, so that a scrape and the admin calls around it cost one
/// round trip. A policy of thousands of limits, or shards by project, need several: what the time
/// did not suffice for is read the next time, and until then told as it was, for Times::oldest at
/// most. Where nothing could be read and the connection is gone Redis is away: all is forgotten,
/// and it is asked again after `fresh`. What it tells of budgets the process knows from then on
/// (KnownBudgets).
class SharedReader {
public:
    struct Times {
        std::chrono::milliseconds deadline{250};
        std::chrono::milliseconds fresh{1'000};
        std::chrono::milliseconds oldest{60'000};
    };

    /// `process` must outlive it; its resolver must have been stopped before this ends.
    SharedReader(SharedLimitsProcess& process, Times times);
    explicit SharedReader(SharedLimitsProcess& process) : SharedReader{process, Times{}} {}
    ~SharedReader();
    SharedReader(const SharedReader&) = delete;
    SharedReader& operator=(const SharedReader&) = delete;

    /// Whose counters are asked for.
    struct Asked {
        const policy::LimitBook* book = nullptr;
        std::uint64_t generation = 0;  // of its policy: tells books apart
        policy::Day day;               // today
        std::string_view project;      // only these matter now; empty: all do
    };
    /// Null: Redis is away.
    std::shared_ptr<const SharedFigures> read(const Asked& asked);

private:
    /// One query and what came of it.
    struct Part {
        policy::CountersQuery query;
        std::optional<policy::SharedCounters> counters;
        providers::SteadyTime read_at;
        providers::SteadyTime tried_at;
    };

    void adopt(const Asked& asked);
    std::vector<Part*> due_parts(std::string_view project, providers::SteadyTime now);
    void run_round(const std::vector<Part*>& due);
    Task<void> read_parts(const std::vector<Part*>& due);
    Task<bool> read_all(const std::vector<Part*>& due, Flow& flow);
    Task<bool> read_one(Part& part, Flow& flow);
    void note_budgets(const Part& part);
    Task<void> watch_deadline();
    void publish(providers::SteadyTime now);

    std::mutex mutex_;  // of all that follows
    SharedLimitsProcess& process_;
    Times times_;
    policy::RedisLimits::Settings settings_;
    Reactor reactor_;
    RedisNodes nodes_;
    Flow* reading_ = nullptr;   // while a round runs
    Flow* watching_ = nullptr;  // … and its deadline

    const policy::LimitBook* book_ = nullptr;
    std::uint64_t generation_ = 0;
    policy::Day day_;
    std::vector<Part> parts_;
    std::optional<providers::SteadyTime> failed_at_;
    std::shared_ptr<const SharedFigures> figures_;
};

}  // namespace headgate::proxy
