#include "policy/explain/policy_tests.h"
#include "policy/explain/quiet_healths.h"

namespace headgate::policy {
namespace {

std::string or_none(const std::string& text) {
    return text.empty() ? "none" : text;
}

template <class Line>
std::vector<std::string> targets_of(const std::vector<Line>& lines) {
    std::vector<std::string> targets;
    targets.reserve(lines.size());
    for (const Line& line : lines) {
        targets.push_back(line.provider + "/" + line.model);
    }
    return targets;
}

std::string listed(const std::vector<std::string>& targets) {
    std::string text;
    for (const std::string& target : targets) {
        text += (text.empty() ? "" : ", ") + target;
    }
    return or_none(text);
}

std::string listed(const std::optional<providers::Money>& amount) {
    return amount ? amount->to_string() : "none";
}

/// nullopt: a budget is asked, and nothing bounds what the request costs.
std::optional<providers::Money> reserved_by(const Explanation& explanation) {
    const auto& reservation = explanation.reservation;
    return reservation && reservation->is_held ? reservation->usd
                                               : std::optional{providers::Money{}};
}

/// Collects "WHAT: FOUND, expected WANTED".
class Differences {
public:
    void add(std::string_view what, const std::string& found, const std::string& wanted) {
        texts_.push_back(std::string(what) + ": " + found + ", expected " + wanted);
    }

    void compare(std::string_view what,
                 const std::optional<std::string>& wanted,
                 const std::string& found) {
        if (wanted && *wanted != found) {
            add(what, or_none(found), or_none(*wanted));
        }
    }

    void compare(std::string_view what,
                 const std::optional<std::vector<std::string>>& wanted,
                 const std::vector<std::string>& found) {
        if (wanted && *wanted != found) {
            add(what, listed(found), listed(*wanted));
        }
    }

    void compare(std::string_view what,
                 const std::optional<providers::Money>& wanted,
                 const std::optional<providers::Money>& found) {
        if (wanted && wanted != found) {
            add(what, listed(found), listed(wanted));
        }
    }

    std::vector<std::string> take() { return std::move(texts_); }

private:
    std::vector<std::string> texts_;
};

}  // namespace

std::vector<std::string> differences(const Router& router,
                                     const LimitBook& limits,
                                     const PolicyTest& test,
                                     providers::WallTime time) {
    QuietHealths healths;
    const World world{.router = router,
                      .healths = healths,
                      .limits = limits,
                      .now = {},
                      .time = time,
                      .used = {},
                      .bucket = {}};
    const Explanation found = explain(world, test.given);
    const Expectation& wanted = test.expect;
    Differences differences;
    if (wanted.status && *wanted.status != found.status) {
        const std::string code = found.code.empty() ? "" : " (" + found.code + ")";
        differences.add("status", std::to_string(found.status) + code,
                        std::to_string(*wanted.status));
    }
    differences.compare("code", wanted.code, found.code);
    differences.compare("route", wanted.route, found.route);
    differences.compare("attempts", wanted.attempts, targets_of(found.attempts));
    differences.compare("skipped", wanted.skipped, targets_of(found.skipped));
    differences.compare("cost_usd", wanted.cost_usd, found.cost);
    differences.compare("reserved_usd", wanted.reserved_usd, reserved_by(found));
    return differences.take();
}

}  // namespace headgate::policy
