#include "policy/store/redis/redis_limits.h"

#include "policy/store/redis/limits_shard.h"
#include "policy/store/redis/redis_keys.h"
#include "policy/store/redis/redis_outcome.h"
#include "policy/store/redis/report_payloads.h"
#include "policy/store/redis/scripts.h"

#include <openssl/evp.h>
#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <new>
#include <utility>

namespace headgate::policy {

namespace {

using Outcome = RedisLimits::Outcome;

constexpr std::uint64_t kMostLife = std::uint64_t{1} << 52;

/// Random and the same as long as the process lives: from the bytes that the kernel gave it when it
/// began. Hashed, for libc makes its stack guards of them.
std::uint64_t life_of_process() {
    constexpr std::string_view label = "headgate life";
    std::array<unsigned char, 32> text{};
    std::memcpy(text.data(), label.data(), label.size());
    // NOLINTNEXTLINE(performance-no-int-to-ptr): that is how the kernel hands them over
    std::memcpy(text.data() + 16, reinterpret_cast<const void*>(getauxval(AT_RANDOM)), 16);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        throw std::bad_alloc{};
    }
    std::uint64_t life = 0;
    std::memcpy(&life, digest.data(), sizeof life);
    return life % kMostLife;
}

RedisLimits::Settings completed(RedisLimits::Settings settings) {
    if (settings.life == 0) {
        settings.life = life_of_process();
    }
    if (settings.untold == nullptr) {
        settings.untold = std::make_shared<UntoldMoney>();
    }
    return settings;
}

}  // namespace

std::string hash_tag(const RedisLimits::Settings& settings, std::string_view project) {
    std::string tag = "{hg:" + settings.key_space;
    if (settings.shards_by_project) {
        tag += ':';
        tag += project;
    }
    return tag + "}";
}

struct RedisLimits::State {
    explicit State(Settings given) : settings{completed(std::move(given))} {}

    LimitsShard& shard(std::string_view project) {
        const std::string_view key = settings.shards_by_project ? project : std::string_view{};
        auto found = shards.find(key);
        if (found == shards.end()) {
            auto made = std::make_unique<LimitsShard>(settings, hash_tag(settings, key));
            found = shards.emplace(std::string(key), std::move(made)).first;
        }
        return *found->second;
    }

    /// With shards by project the organization's counters would lie in another one.
    Subject of_shard(const Subject& subject) const {
        Subject part = subject;
        if (settings.shards_by_project) {
            part.organization = nullptr;
        }
        return part;
    }

    void list(LimitsShard& shard) {
        if (!shard.is_listed && shard.has_work()) {
            shard.is_listed = true;
            with_work.push_back(&shard);
        }
    }

    Call call_of(const LimitsShard& shard) const {
        const std::string counters = counters_key(shard.tag());
        const std::string holdings = holdings_key(shard.tag(), settings);
        const std::string leases = leases_key(shard.tag());
        const std::array<std::string_view, 7> words{carries_script ? "EVAL" : "EVALSHA",
                                                    carries_script ? limits_script() : script_name,
                                                    "3",
                                                    counters,
                                                    holdings,
                                                    leases,
                                                    shard.payload()};
        return {.bytes = resp_command(words), .shard_key = counters};
    }

    /// Tells the reports of a process apart.
    std::uint64_t next_report() { return ++reports * 1'000 + settings.worker % 1'000; }

    Outcome note(RedisOutcome told) {
        address = std::move(told.address);
        must_ask = told.must_ask;
        problem = std::move(told.problem);
        return told.outcome;
    }

    Settings settings;
    std::string script_name = sha1_hex(limits_script());
    bool carries_script = false;
    std::map<std::string, std::unique_ptr<LimitsShard>, std::less<>> shards;
    std::deque<LimitsShard*> with_work;
    LimitsShard* in_flight = nullptr;
    bool is_report_due = false;
    std::uint64_t reports = 0;
    std::string address;
    bool must_ask = false;
    std::string problem;
};

RedisLimits::RedisLimits(Settings settings)
    : state_{std::make_unique<State>(std::move(settings))} {}

RedisLimits::~RedisLimits() = default;

void RedisLimits::admit(Ticket ticket, const Subject& subject, const Demand& demand) {
    LimitsShard& shard = state_->shard(subject.project->id);
    shard.admit(ticket, state_->of_shard(subject), demand);
    state_->list(shard);
}

void RedisLimits::abandon(Ticket ticket) {
    for (const auto& [project, shard] : state_->shards) {
        if (shard->abandon(ticket)) {
            return;
        }
    }
}

void RedisLimits::settle(const Subject& subject, const Settled& settled) {
    LimitsShard& shard = state_->shard(subject.project->id);
    add_settled(state_->of_shard(subject), settled, shard.tallies());
    state_->list(shard);
}

void RedisLimits::book(const Subject& subject, Day day, providers::Money cost) {
    LimitsShard& shard = state_->shard(subject.project->id);
    add_cost(state_->of_shard(subject), day, cost, shard.tallies());
    state_->list(shard);
}

void RedisLimits::ask() {
    if (!state_->settings.shards_by_project) {
        state_->shard({});
    }
    for (const auto& [project, shard] : state_->shards) {
        shard->ask();
        state_->list(*shard);
    }
}

std::optional<RedisLimits::Call> RedisLimits::next_call() {
    while (state_->in_flight == nullptr && !state_->with_work.empty()) {
        LimitsShard& shard = *state_->with_work.front();
        state_->with_work.pop_front();
        shard.is_listed = false;
        if (shard.has_work()) {
            shard.start_call();
            state_->in_flight = &shard;
            return state_->call_of(shard);
        }
    }
    return std::nullopt;
}

bool RedisLimits::has_work() const {
    return state_->in_flight == nullptr &&
           std::ranges::any_of(state_->with_work,
                               [](const LimitsShard* shard) { return shard->has_work(); });
}

Outcome RedisLimits::take(const RespValue& reply, std::vector<Answer>& answers) {
    if (state_->in_flight == nullptr) {
        return state_->note({.address = {}, .problem = "a reply to no call"});
    }
    if (reply.kind == RespValue::Kind::error) {
        return state_->note(outcome_of(reply));
    }
    if (reply.kind != RespValue::Kind::text) {
        return state_->note({.address = {}, .problem = "a reply of another kind than a text"});
    }
    LimitsShard& shard = *state_->in_flight;
    LimitsShard::Taken taken = shard.take(reply.text, answers);
    state_->is_report_due = taken.outcome == Outcome::report;
    if (taken.outcome == Outcome::done) {
        state_->in_flight = nullptr;
        state_->list(shard);
    }
    state_->problem = std::move(taken.problem);
    return taken.outcome;
}

RedisLimits::Call RedisLimits::resend() const {
    return state_->in_flight == nullptr ? Call{} : state_->call_of(*state_->in_flight);
}

const std::string& RedisLimits::address() const {
    return state_->address;
}

bool RedisLimits::must_ask() const {
    return state_->must_ask;
}

const std::string& RedisLimits::problem() const {
    return state_->problem;
}

void RedisLimits::lose() {
    LimitsShard* const shard = std::exchange(state_->in_flight, nullptr);
    state_->is_report_due = false;
    if (shard != nullptr) {
        shard->lose();
        state_->list(*shard);
    }
}

std::string RedisLimits::script_load() const {
    return resp_command(std::array<std::string_view, 3>{"SCRIPT", "LOAD", limits_script()});
}

void RedisLimits::use_eval() {
    state_->carries_script = true;
}

std::vector<RedisLimits::Call> RedisLimits::report_calls(const Accounts& accounts,
                                                         const std::vector<OtherTotal>& others,
                                                         int processes_seen) {
    const Settings& settings = state_->settings;
    ReportedTotals totals = totals_of(settings, accounts, others);
    std::map<std::string, std::vector<ReportedTotal>> by_tag;
    if (state_->is_report_due && state_->in_flight != nullptr) {
        by_tag[state_->in_flight->tag()];
    } else if (!settings.shards_by_project) {
        by_tag[hash_tag(settings, {})];
    }
    for (auto& [scope, list] : totals) {
        if (settings.shards_by_project && scope.empty()) {
            continue;
        }
        const std::string tag = hash_tag(settings, scope);
        if (!state_->is_report_due || by_tag.contains(tag)) {
            std::ranges::move(list, std::back_inserter(by_tag[tag]));
        }
    }
    std::vector<Call> calls;
    for (const auto& [tag, list] : by_tag) {
        const std::string counters = counters_key(tag);
        const std::string holdings = holdings_prefix(tag);
        const std::string leases = leases_key(tag);
        const std::string seen = seen_key(tag);
        for (const std::string& payload :
             report_payloads(settings, list,
                             {.number = state_->next_report(), .processes_seen = processes_seen})) {
            const std::array<std::string_view, 8> words{"EVAL",   report_script(), "4",  counters,
                                                        holdings, leases,          seen, payload};
            calls.push_back({.bytes = resp_command(words), .shard_key = counters});
        }
    }
    return calls;
}

Outcome RedisLimits::take_report(const RespValue& reply) {
    if (reply.kind == RespValue::Kind::error) {
        return state_->note(outcome_of(reply));
    }
    if (reply.kind == RespValue::Kind::text && reply.text == "r") {
        return state_->note({.outcome = Outcome::done, .address = {}, .problem = {}});
    }
    if (reply.kind == RespValue::Kind::text && reply.text == "i") {
        return state_->note({.outcome = Outcome::unwilling,
                             .address = {},
                             .problem = "the data were lost while they were reported"});
    }
    const bool is_stale = reply.kind == RespValue::Kind::text && reply.text == "s";
    return state_->note({.address = {},
                         .problem = is_stale ? "another process uses the same instance"
                                             : "a reply that no script gives"});
}

RedisLimits::Call RedisLimits::heartbeat(const Settings& settings, std::string_view project) {
    constexpr std::chrono::milliseconds lately{30'000};
    const std::string tag = hash_tag(settings, project);
    const std::string counters = counters_key(tag);
    const std::string leases = leases_key(tag);
    const std::string seen = seen_key(tag);
    const std::string holdings = holdings_prefix(tag);
    const std::string life = std::to_string(completed(settings).life);
    const std::string lease = std::to_string(settings.lease.count());
    const std::string window = std::to_string(lately.count());
    const std::array<std::string_view, 11> words{
        "EVAL",   heartbeat_script(), "4",  counters, leases, seen,
        holdings, settings.instance,  life, lease,    window};
    return {.bytes = resp_command(words), .shard_key = counters};
}

std::optional<int> RedisLimits::processes(const RespValue& reply) {
    constexpr std::int64_t most = 1'000'000;
    if (reply.kind != RespValue::Kind::number || reply.number < 1 || reply.number > most) {
        return std::nullopt;
    }
    return static_cast<int>(reply.number);
}

}  // namespace headgate::policy
