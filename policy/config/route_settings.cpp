#include "policy/config/route_settings.h"

namespace headgate::policy {
namespace {

using std::chrono::milliseconds;

constexpr KnownName kRetryNames[] = {{"attempts"}, {"backoff"}, {"max_backoff"}};
constexpr KnownName kTimeoutNames[] = {{"connect"}, {"first_byte"}, {"first_event"},
                                       {"idle"},    {"total"},      {"stream_total"}};
constexpr KnownName kBreakerNames[] = {{"failures"}, {"window"}, {"open_for"}, {"probe"}};
constexpr std::string_view kProbes[] = {"none", "models"};
constexpr std::string_view kOnClientGone[] = {"cancel", "finish"};

/// Statuses that another provider would only repeat (docs/policies.md).
constexpr std::int64_t kClientFaults[] = {400, 403, 404, 409, 413, 422};

struct FailureWord {
    std::string_view word;
    bool FallbackOn::* flag;
};
constexpr FailureWord kFailureWords[] = {{"connect", &FallbackOn::connect},
                                         {"timeout", &FallbackOn::timeout},
                                         {"cut", &FallbackOn::cut},
                                         {"invalid", &FallbackOn::invalid}};

Parsed<std::string> parse_failure(std::string_view text) {
    const bool is_word =
        std::ranges::find(kFailureWords, text, &FailureWord::word) != std::end(kFailureWords);
    const Parsed<std::int64_t> status = parse_count_between(text, 400, 599);
    if (!is_word && !status) {
        return std::unexpected(std::string(
            "must be a status from 400 to 599 or one of connect, timeout, cut, invalid"));
    }
    if (!is_word && std::ranges::find(kClientFaults, *status) != std::end(kClientFaults)) {
        return std::unexpected(
            std::string("is a status that the client has to fix; it always passes as it is"));
    }
    return is_word ? std::string(text) : std::to_string(*status);
}

/// Adds what parse_failure() took; false where it is there already.
bool add_failure(const std::string& failure, FallbackOn& fallback_on) {
    const auto* const word = std::ranges::find(kFailureWords, failure, &FailureWord::word);
    if (word != std::end(kFailureWords)) {
        return !std::exchange(fallback_on.*(word->flag), true);
    }
    const auto status = static_cast<std::size_t>(std::stoul(failure));
    const bool is_new = !fallback_on.statuses.test(status);
    fallback_on.statuses.set(status);
    return is_new;
}

void read_fallback_on(Reading& reading, const Setting& setting, FallbackOn& fallback_on) {
    fallback_on.statuses.reset();
    for (const FailureWord& each : kFailureWords) {
        fallback_on.*(each.flag) = false;
    }
    for (const Setting& item : read_list(setting)) {
        const auto failure = read_scalar(reading, item, parse_failure);
        if (failure && !add_failure(*failure, fallback_on)) {
            reading.error(item, "is listed twice");
        }
    }
}

Parsed<std::int64_t> parse_attempts(std::string_view text) {
    return parse_count_between(text, 1, 20);
}

void read_retry(Reading& reading, const Setting& block, RetrySettings& retry) {
    const MapReader map{reading, block, kRetryNames};
    map.read("attempts", parse_attempts, retry.attempts);
    map.read("backoff", parse_duration, retry.backoff);
    map.read("max_backoff", parse_duration, retry.max_backoff);
    std::optional<Setting> faulty = map.find("backoff");
    if (!faulty) {
        faulty = map.find("max_backoff");
    }
    if (faulty && retry.backoff > retry.max_backoff) {
        reading.error(*faulty, "must keep `backoff` at or below `max_backoff`, which is " +
                                   std::to_string(retry.max_backoff.count()) + "ms");
    }
}

/// A time-out that another one ends first says something that never happens. What only stands
/// there by default is left alone.
void warn_of_shadowed(Reading& reading,
                      const MapReader& map,
                      std::pair<std::string_view, milliseconds> longer,
                      std::pair<std::string_view, milliseconds> shorter) {
    if (longer.second <= shorter.second || !map.has(longer.first)) {
        return;
    }
    if (const std::optional<Setting> setting = map.find(longer.first)) {
        reading.warning(*setting, "is longer than `" + std::string(shorter.first) + "` (" +
                                      std::to_string(shorter.second.count()) +
                                      "ms), which ends the attempt before");
    }
}

void read_timeouts(Reading& reading, const Setting& block, Timeouts& timeouts) {
    const MapReader map{reading, block, kTimeoutNames};
    map.read("connect", parse_timeout, timeouts.connect);
    map.read("first_byte", parse_timeout, timeouts.first_byte);
    map.read("first_event", parse_timeout, timeouts.first_event);
    map.read("idle", parse_timeout, timeouts.idle);
    map.read("total", parse_timeout, timeouts.total);
    map.read("stream_total", parse_timeout, timeouts.stream_total);
    warn_of_shadowed(reading, map, {"connect", timeouts.connect},
                     {"first_byte", timeouts.first_byte});
    warn_of_shadowed(reading, map, {"first_byte", timeouts.first_byte}, {"total", timeouts.total});
}

Parsed<std::int64_t> parse_failures(std::string_view text) {
    return parse_count_between(text, 1, Breaker::kMaxFailures);
}

void read_breaker(Reading& reading, const Setting& block, BreakerSettings& breaker) {
    const MapReader map{reading, block, kBreakerNames};
    map.read("failures", parse_failures, breaker.failures);
    map.read("window", parse_timeout, breaker.window);
    map.read("open_for", parse_timeout, breaker.open_for);
    if (const std::optional<Setting> probe = map.find("probe")) {
        breaker.probes_models = read_choice(reading, *probe, kProbes) == "models";
    }
}

}  // namespace

void read_attempt_settings(Reading& reading, const MapReader& map, Route& route) {
    if (const std::optional<Setting> failures = map.find("fallback_on")) {
        read_fallback_on(reading, *failures, route.fallback_on);
    }
    if (const std::optional<Setting> retry = map.find("retry")) {
        read_retry(reading, *retry, route.retry);
    }
    if (const std::optional<Setting> timeouts = map.find("timeouts")) {
        read_timeouts(reading, *timeouts, route.timeouts);
    }
    if (const std::optional<Setting> breaker = map.find("breaker")) {
        read_breaker(reading, *breaker, route.breaker);
    }
    map.read("keepalive", parse_duration, route.keepalive);
    if (const std::optional<Setting> gone = map.find("on_client_gone")) {
        route.on_client_gone = read_choice(reading, *gone, kOnClientGone) == "finish"
                                   ? OnClientGone::finish
                                   : OnClientGone::cancel;
    }
}

}  // namespace headgate::policy
