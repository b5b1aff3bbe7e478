#pragma once

#include "policy/limits/memory_limits.h"
#include "tests/conformance/limits/blocking_redis.h"
#include "tests/conformance/limits/limits_world.h"
#include "tests/conformance/limits/redis_process.h"

#include <memory>
#include <string>

namespace headgate::policy::testing {

/// Where the suite's limits are kept.
enum class BackendKind { memory, redis, cluster, sharded_cluster };

/// Limits, wherever they are kept, over the policy of one test.
class LimitsBackend {
public:
    virtual ~LimitsBackend() = default;
    virtual Decision admit(const Subject& subject, const Demand& demand) = 0;
    virtual void settle(const Subject& subject, const Settled& settled) = 0;
    /// Spent before this process began: of the same instance, as its ledger knows.
    virtual void restore(const Project& project, Day day, Money spent) = 0;
};

class MemoryBackend : public LimitsBackend {
public:
    explicit MemoryBackend(LimitsWorld& world) : world_{world} {}

    Decision admit(const Subject& subject, const Demand& demand) override {
        return limits_.admit(subject, demand, std::chrono::steady_clock::now());
    }
    void settle(const Subject& subject, const Settled& settled) override {
        limits_.settle(subject, settled, std::chrono::steady_clock::now());
    }
    void restore(const Project& project, Day day, Money spent) override {
        world_.accounts().restore(project.id, day, spent);
    }

private:
    LimitsWorld& world_;
    MemoryLimits limits_{1.0, {}};
};

class RedisBackend : public LimitsBackend {
public:
    RedisBackend(LimitsWorld& world, const RedisLimits::Settings& settings, std::string address)
        : world_{world}, limits_{settings, std::move(address), world.accounts()} {}

    Decision admit(const Subject& subject, const Demand& demand) override {
        return limits_.admit(subject, demand);
    }
    void settle(const Subject& subject, const Settled& settled) override {
        limits_.settle(subject, settled);
    }
    void restore(const Project& project, Day day, Money spent) override {
        world_.accounts().restore(project.id, day, spent);
        limits_.report();
    }

private:
    LimitsWorld& world_;
    BlockingLimits limits_;
};

/// One server for all tests of the executable; each test has keys of its own.
const std::string& shared_redis();
const RedisCluster& shared_cluster();
/// A `state.namespace` that no other test has.
std::string fresh_key_space();

std::unique_ptr<LimitsBackend> make_backend(BackendKind kind, LimitsWorld& world);

}  // namespace headgate::policy::testing
