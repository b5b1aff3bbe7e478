#include "proxy/admin/targets_json.h"

#include "proxy/admin/json_out.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::Breaker;
using providers::SteadyTime;
using Report = policy::TargetHealth::Report;

std::string_view state_of(const policy::TargetHealth::Availability& availability) {
    using State = policy::TargetHealth::Availability::State;
    switch (availability.state) {
        case State::available:
            return "closed";
        case State::half_open:
            return "half_open";
        case State::breaker_open:
            return "open";
        case State::benched:
            return "benched";
    }
    std::unreachable();
}

std::string_view to_string(Breaker::State state) {
    switch (state) {
        case Breaker::State::closed:
            return "closed";
        case Breaker::State::open:
            return "open";
        case Breaker::State::half_open:
            return "half_open";
    }
    std::unreachable();
}

/// The shortest text that reads back as `number`.
std::string text_of(double number) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    return {text.data(), end};
}

/// From `from` to `to`; 0 where that is past, as it is of a breaker that waits for GET /models.
std::string ms_between(SteadyTime from, SteadyTime to) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(to - from).count();
    return std::to_string(std::max<std::int64_t>(ms, 0));
}

std::string bench_value(const Report& target, SteadyTime now) {
    if (!target.benched || !target.benched_until) {
        return "null";
    }
    return R"({"reason":)" + quoted(policy::to_string(*target.benched)) + R"(,"until_ms":)" +
           ms_between(now, *target.benched_until) + "}";
}

std::string last_error_value(const Report& target, SteadyTime now) {
    if (!target.last_error_at) {
        return "null";
    }
    const std::string status =
        target.last_status == 0 ? "null" : std::to_string(target.last_status);
    return R"({"reason":)" + quoted(target.last_error) + R"(,"status":)" + status +
           R"(,"ago_ms":)" + ms_between(*target.last_error_at, now) + "}";
}

std::string first_byte_value(const Report& target) {
    if (!target.first_byte) {
        return "null";
    }
    return text_of(std::chrono::duration<double, std::milli>{*target.first_byte}.count());
}

std::string object(const Report& target, SteadyTime now) {
    std::string out = R"({"provider":)" + quoted(target.provider);
    out += R"(,"model":)" + quoted(target.model);
    out += R"(,"state":)" + quoted(state_of(target.availability));
    out += R"(,"breaker":)" + quoted(to_string(target.breaker));
    out += R"(,"benched":)" + bench_value(target, now);
    out += R"(,"in_flight":)" + std::to_string(target.in_flight);
    out += R"(,"attempts":)" + std::to_string(target.attempts);
    out += R"(,"success_rate":)" + (target.success_rate ? text_of(*target.success_rate) : "null");
    out += R"(,"first_byte_ms":)" + first_byte_value(target);
    out += R"(,"last_error":)" + last_error_value(target, now);
    out +=
        R"(,"open_for_ms":)" + (target.open_until ? ms_between(now, *target.open_until) : "null");
    return out + "}";
}

}  // namespace

std::string targets_json(std::span<const Report> targets, SteadyTime now) {
    std::string out = R"({"data":[)";
    for (const Report& target : targets) {
        out += (out.back() == '[' ? "" : ",") + object(target, now);
    }
    return out + "]}";
}

}  // namespace headgate::proxy
