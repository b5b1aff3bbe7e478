#include "policy/limits/accounts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace headgate::policy {

namespace {

constexpr std::size_t kMostModels = 256;
constexpr double kFirstOutput = 1'000;
constexpr double kNewAnswersPart = 0.2;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        return a < 0 ? kLeast : kMost;
    }
    return sum;
}

bool is_same(const BudgetSpan& a, const BudgetSpan& b) {
    return a.first == b.first && a.end == b.end;
}

bool contains(const BudgetSpan& span, Day day) {
    return span.first <= day && (!span.end || day < *span.end);
}

/// The highest threshold that is reached; 0: none. Nothing used has reached none, also of a budget
/// of 0.
int highest_reached(const BudgetSettings& budget, const SpentReserved& used) {
    __extension__ using Wide = __int128;  // percents of 64 bits
    const Wide sum = static_cast<Wide>(used.spent.nanos()) + used.reserved.nanos();
    if (sum <= 0) {
        return 0;
    }
    const Wide limit = budget.limit.nanos();
    int highest = 0;
    for (const int percent : budget.alert_at) {
        if (sum * 100 >= limit * percent) {
            highest = std::max(highest, percent);
        }
    }
    return highest;
}

}  // namespace

BucketCell& Account::cell(const std::string& name) {
    std::unique_ptr<BucketCell>& found = cells_[name];
    if (found == nullptr) {
        found = std::make_unique<BucketCell>();
    }
    return *found;
}

SpentReserved Account::sum(const BudgetSpan& span) {
    if (!cached_span_ || !is_same(*cached_span_, span)) {
        cached_span_ = span;
        cached_spent_ = 0;
        cached_reserved_ = 0;
        for (auto day = std::ranges::lower_bound(days_, span.first, {}, &DayMoney::day);
             day != days_.end() && contains(span, day->day); ++day) {
            cached_spent_ += day->spent;
            cached_reserved_ += day->reserved;
        }
    }
    const auto money_from = [](Wide nanos) {
        return providers::Money::nanos(
            static_cast<std::int64_t>(std::clamp(nanos, Wide{kLeast}, Wide{kMost})));
    };
    return {.spent = money_from(cached_spent_), .reserved = money_from(cached_reserved_)};
}

void Account::add(Day day, std::int64_t spent, std::int64_t reserved) {
    if (spent == 0 && reserved == 0) {
        return;
    }
    DayMoney& money = money_of(day);
    const DayMoney before = money;
    money.spent = saturating_sum(money.spent, spent);
    money.reserved = std::max<std::int64_t>(0, saturating_sum(money.reserved, reserved));
    if (cached_span_ && contains(*cached_span_, day)) {
        cached_spent_ += Wide{money.spent} - before.spent;
        cached_reserved_ += Wide{money.reserved} - before.reserved;
    }
}

DayMoney& Account::money_of(Day day) {
    if (!days_.empty() && days_.back().day == day) {
        return days_.back();
    }
    const auto found = std::ranges::lower_bound(days_, day, {}, &DayMoney::day);
    if (found != days_.end() && found->day == day) {
        return *found;
    }
    return *days_.insert(found, DayMoney{.day = day});
}

std::int64_t Account::expected_output(std::string_view model) const {
    const auto known = outputs_.find(model);
    return std::llround(known == outputs_.end() ? kFirstOutput : known->second);
}

void Account::note_output(std::string_view model, std::int64_t tokens) {
    // A double holds whole tokens to 2^53, and llround() of it stays within 64 bits.
    constexpr std::int64_t most = std::int64_t{1} << 53;
    const auto answer = static_cast<double>(std::clamp<std::int64_t>(tokens, 0, most));
    auto known = outputs_.find(model);
    if (known == outputs_.end()) {
        if (outputs_.size() >= kMostModels) {
            return;
        }
        known = outputs_.emplace(model, kFirstOutput).first;
    }
    known->second += kNewAnswersPart * (answer - known->second);
}

std::optional<int> Account::next_alert(const BudgetSettings& budget,
                                       const BudgetSpan& span,
                                       const SpentReserved& used) {
    const int reached = highest_reached(budget, used);
    if (reached == 0) {
        return std::nullopt;
    }
    auto* told = std::ranges::find_if(
        alerted_, [&](const Alerted& alerted) { return is_same(alerted.span, span); });
    if (told == alerted_.end()) {
        told = &alerted_.at(oldest_alerted_);
        *told = {.span = span};
        oldest_alerted_ = (oldest_alerted_ + 1) % alerted_.size();
    }
    if (reached <= told->percent) {
        return std::nullopt;
    }
    told->percent = reached;
    return reached;
}

std::shared_ptr<Account> Accounts::of(std::string_view id) {
    const std::lock_guard lock{mutex_};
    std::shared_ptr<Account>& found = accounts_[std::string(id)];
    if (found == nullptr) {
        found = std::make_shared<Account>(std::string(id));
    }
    return found;
}

std::vector<std::shared_ptr<Account>> Accounts::all() const {
    const std::lock_guard lock{mutex_};
    std::vector<std::shared_ptr<Account>> all;
    all.reserve(accounts_.size());
    for (const auto& [id, account] : accounts_) {
        all.push_back(account);
    }
    return all;
}

void Accounts::restore(std::string_view project, Day day, providers::Money spent) {
    const auto add_to = [&](std::string_view id) {
        const std::shared_ptr<Account> account = of(id);
        const std::lock_guard lock{account->mutex()};
        account->add(day, spent.nanos(), 0);
    };
    add_to("");
    if (!project.empty()) {
        add_to(project);
    }
}

}  // namespace headgate::policy
