#include "policy/store/redis/report_payloads.h"

#include "policy/store/redis/message_pack.h"
#include "policy/store/redis/tallies.h"

#include <algorithm>
#include <mutex>
#include <span>
#include <tuple>

namespace headgate::policy {

namespace {

/// Each total touches up to four fields.
constexpr std::size_t kMostTotals = 250;

class TotalsByScope {
public:
    void add(const std::string& instance, const std::string& scope, Day day, std::int64_t nanos) {
        const std::int64_t number = day.time_since_epoch().count();
        if (nanos > 0 && number >= 0) {
            totals_[scope].push_back({.instance = instance,
                                      .field = "m" + scope + "/" + std::to_string(number),
                                      .nanos = std::min(nanos, kMostExact)});
        }
    }

    ReportedTotals take() && { return std::move(totals_); }

private:
    ReportedTotals totals_;
};

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
    return std::min(a, kMostExact) + std::min(b, kMostExact);
}

/// One slice of a report.
struct Slice {
    std::span<const ReportedTotal> totals;
    std::int64_t number = 0;  // from 0
    bool is_last = false;
};

std::string payload_of(const RedisLimits::Settings& settings,
                       const Report& report,
                       const Slice& slice) {
    const std::span<const ReportedTotal> totals = slice.totals;
    MessagePack to;
    to.list(4);
    to.list(10);
    to.text(settings.instance);
    to.number(static_cast<std::int64_t>(settings.life));
    to.number(static_cast<std::int64_t>(report.number));
    to.number(slice.number);
    to.flag(slice.is_last);
    to.flag(settings.has_records);
    to.number(std::max(1, report.processes_seen));
    // A process that starts holds nothing: none of its workers has anything to tell.
    to.number(report.processes_seen > 0 ? static_cast<std::int64_t>(settings.workers) : 0);
    to.number(settings.lease.count());
    to.number(settings.report_wait.count());
    to.list(totals.size());
    for (const ReportedTotal& total : totals) {
        to.text(total.instance);
    }
    to.list(totals.size());
    for (const ReportedTotal& total : totals) {
        to.text(total.field);
    }
    to.list(totals.size());
    for (const ReportedTotal& total : totals) {
        to.number(total.nanos);
    }
    return std::move(to).take();
}

}  // namespace

ReportedTotals totals_of(const RedisLimits::Settings& settings,
                         const Accounts& accounts,
                         const std::vector<RedisLimits::OtherTotal>& others) {
    TotalsByScope totals;
    for (const std::shared_ptr<Account>& account : accounts.all()) {
        const std::lock_guard lock{account->mutex()};
        for (const DayMoney& day : account->days()) {
            // What its workers tell themselves is left out. Read behind the account: what is
            // settled meanwhile makes the difference too small, never too large.
            totals.add(settings.instance, account->id(), day.day,
                       day.spent - settings.untold->amount(account->id(), day.day));
        }
    }
    std::map<std::pair<std::string, Day>, std::int64_t> organization;
    for (const RedisLimits::OtherTotal& other : others) {
        if (other.instance != settings.instance && !other.project.empty()) {
            totals.add(other.instance, other.project, other.day, other.spent.nanos());
            std::int64_t& sum = organization[{other.instance, other.day}];
            sum = saturating_sum(sum, std::max<std::int64_t>(0, other.spent.nanos()));
        }
    }
    for (const auto& [key, nanos] : organization) {
        totals.add(key.first, "", key.second, nanos);
    }
    return std::move(totals).take();
}

std::vector<std::string> report_payloads(const RedisLimits::Settings& settings,
                                         const std::vector<ReportedTotal>& totals,
                                         const Report& report) {
    std::vector<std::string> payloads;
    std::span<const ReportedTotal> left{totals};
    do {
        const std::size_t count = std::min(left.size(), kMostTotals);
        payloads.push_back(payload_of(settings, report,
                                      {.totals = left.first(count),
                                       .number = static_cast<std::int64_t>(payloads.size()),
                                       .is_last = count == left.size()}));
        left = left.subspan(count);
    } while (!left.empty());
    return payloads;
}

}  // namespace headgate::policy
