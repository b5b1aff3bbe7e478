#include "proxy/pipeline/webhook.h"

#include "policy/keys/webhook_signature.h"
#include "providers/contract/api_error.h"
#include "proxy/net/head_writer.h"
#include "proxy/net/http_head.h"
#include "proxy/net/upstream.h"

#include <array>

namespace headgate::proxy {
namespace {

constexpr std::chrono::seconds kTime{5};
constexpr std::array<std::chrono::milliseconds, 3> kPauses{
    std::chrono::milliseconds{0}, std::chrono::seconds{1}, std::chrono::seconds{5}};
constexpr HeadLimits kLimits{std::size_t{32} << 10, 200};

/// What a call needs while it is suspended; too large for a coroutine's frame.
struct Call {
    explicit Call(Reactor& reactor) : flow{reactor} {}

    Flow flow;
    AnswerHead head;
    std::array<char, std::size_t{16} << 10> request{};
    std::string answer;
    std::string problem;
};

std::string day_text(policy::Day day) {
    const std::chrono::year_month_day date{day};
    const auto two = [](unsigned number) {
        return (number < 10 ? "0" : "") + std::to_string(number);
    };
    return std::to_string(static_cast<int>(date.year())) + '-' +
           two(static_cast<unsigned>(date.month())) + '-' + two(static_cast<unsigned>(date.day()));
}

std::string quoted(std::string_view text) {
    std::string json = "\"";
    providers::append_json_escaped(json, text);
    return json + '"';
}

std::string_view head_of(Call& call,
                         const Webhook& webhook,
                         const std::string& id,
                         const std::string& body) {
    const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count();
    HeadWriter head{call.request};
    head.request_line("POST", webhook.url.base_path.empty() ? "/" : webhook.url.base_path);
    head.field("host", webhook.url.authority());
    head.field("user-agent", "headgate");
    head.field("content-type", "application/json");
    head.field("content-length", body.size());
    head.field("webhook-id", id);
    head.field("webhook-timestamp", std::to_string(now));
    if (!webhook.secret.empty()) {
        head.field("webhook-signature",
                   policy::webhook_signature(webhook.secret.reveal(), id, now, body));
    }
    head.field("connection", "close");
    const Bytes bytes = head.finish();
    return head.is_valid() ? bytes : std::string_view{};
}

/// The status of the answer; 0: none came, `call.problem` says why.
Task<int> post(Call& call,
               Upstream& upstream,
               const Webhook& webhook,
               const std::string& id,
               const std::string& body,
               Tick until) {
    call.answer.clear();
    call.problem = "the connection broke";
    auto socket = co_await upstream.connect(call.flow, until, {});
    if (!socket) {
        call.problem = socket.error().problem;
        co_return 0;
    }
    (*socket)->attach(&call.flow);
    SendQueue queue;
    const std::array<std::string_view, 2> pieces{head_of(call, webhook, id, body), body};
    if (pieces[0].empty() || !queue.send(**socket, pieces)) {
        co_return 0;
    }
    std::array<char, 512> bytes{};
    for (;;) {
        const std::uint8_t bits = queue.empty() ? kReadable : kReadable | kWritable;
        const Wake wake = co_await call.flow.wait({socket->get(), bits}, until);
        if (wake != Wake::ready || !queue.flush(**socket)) {
            call.problem = wake == Wake::deadline ? "it did not answer in time" : call.problem;
            co_return 0;
        }
        const IoResult got = (*socket)->read_some(bytes.data(), bytes.size());
        call.answer.append(bytes.data(), got.bytes);
        const ScanResult scan = scan_answer_head(call.answer, kLimits, call.head);
        if (scan.status == ScanStatus::complete && call.head.status >= 200) {
            call.problem = "it answered " + std::to_string(call.head.status);
            co_return call.head.status;
        }
        if (scan.status == ScanStatus::complete) {
            call.answer.erase(0, scan.size);  // an interim answer
            continue;
        }
        const bool goes_on = got.status == IoStatus::done || got.status == IoStatus::would_block;
        if (!goes_on || scan.status != ScanStatus::incomplete) {
            co_return 0;
        }
    }
}

/// True where the receiver has it.
Task<bool> deliver(Call& call,
                   Upstream& upstream,
                   const Webhook& webhook,
                   const std::string& id,
                   const std::string& body) {
    for (const std::chrono::milliseconds pause : kPauses) {
        if (pause.count() > 0 && co_await call.flow.sleep(pause) == Wake::stopped) {
            co_return false;
        }
        const Tick until = call.flow.reactor().tick_after(kTime);
        const int status = co_await post(call, upstream, webhook, id, body, until);
        if (status >= 200 && status < 300) {
            co_return true;
        }
    }
    co_return false;
}

UpstreamSettings settings_for(const Webhook& webhook) {
    UpstreamSettings settings;
    settings.host = webhook.url.host;
    settings.port = webhook.url.port;
    settings.egress.allow_private = true;  // what the policy names; link-local never
    if (webhook.trust) {
        settings.tls = std::make_unique<ClientTls>(webhook.trust);
    }
    return settings;
}

}  // namespace

std::string alert_json(const policy::BudgetAlert& alert, providers::WallTime now) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
    const policy::Day today = policy::day_of(now);
    const std::chrono::hh_mm_ss clock{seconds - today};
    const auto two = [](auto number) {
        return (number.count() < 10 ? "0" : "") + std::to_string(number.count());
    };
    const bool has_start = alert.period.first != policy::Day::min();
    const auto money = [](providers::Money amount) { return quoted(amount.to_string()); };
    return R"({"type":"budget.threshold_passed","timestamp":")" + day_text(today) + 'T' +
           two(clock.hours()) + ':' + two(clock.minutes()) + ':' + two(clock.seconds()) +
           R"(Z","data":{"scope":)" +
           (alert.project.empty() ? R"("organization")" : R"("project")") + R"(,"project":)" +
           (alert.project.empty() ? "null" : quoted(alert.project)) + R"(,"threshold_percent":)" +
           std::to_string(alert.threshold) + R"(,"period":)" + quoted(to_string(alert.per)) +
           R"(,"period_start":)" + (has_start ? quoted(day_text(alert.period.first)) : "null") +
           R"(,"limit_usd":)" + money(alert.limit) + R"(,"spent_usd":)" + money(alert.spent) +
           R"(,"reserved_usd":)" + money(alert.reserved) + "}}";
}

Task<void> send_webhook(Reactor& reactor,
                        Resolver& resolver,
                        std::shared_ptr<const Webhook> webhook,
                        std::string id,
                        std::string body,
                        std::function<void(std::string_view)> complain) {
    std::string problem;
    try {
        auto call = std::make_unique<Call>(reactor);
        const auto upstream = std::make_shared<Upstream>(reactor, resolver, settings_for(*webhook));
        if (co_await deliver(*call, *upstream, *webhook, id, body)) {
            co_return;
        }
        problem = call->problem;
    } catch (const std::exception& failure) {
        problem = failure.what();  // out of memory or descriptors
    }
    complain("alerts.webhook: an alert was not delivered: " + problem);
}

}  // namespace headgate::proxy
