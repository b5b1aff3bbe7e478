#include "proxy/pipeline/webhook.h"

#include "policy/keys/time_text.h"
#include "policy/keys/webhook_signature.h"
#include "providers/contract/api_error.h"
#include "proxy/net/head_writer.h"
#include "proxy/net/status_call.h"

#include <array>

namespace headgate::proxy {
namespace {

using providers::quoted_json;

constexpr std::chrono::seconds kTime{5};
constexpr std::array<std::chrono::milliseconds, 3> kPauses{
    std::chrono::milliseconds{0}, std::chrono::seconds{1}, std::chrono::seconds{5}};

std::string_view head_of(StatusCall& call,
                         const Webhook& webhook,
                         const std::string& id,
                         const std::string& body) {
    const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count();
    HeadWriter head{call.room()};
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

/// True where the receiver has it.
Task<bool> deliver(StatusCall& call,
                   Upstream& upstream,
                   const Webhook& webhook,
                   const std::string& id,
                   const std::string& body) {
    for (const std::chrono::milliseconds pause : kPauses) {
        if (pause.count() > 0 && co_await call.flow().sleep(pause) == Wake::stopped) {
            co_return false;
        }
        const Tick until = call.flow().reactor().tick_after(kTime);
        const std::array<std::string_view, 2> pieces{head_of(call, webhook, id, body), body};
        const int status = pieces[0].empty() ? 0 : co_await call.send(upstream, pieces, until);
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
    const bool has_start = alert.period.first != policy::Day::min();
    const auto money = [](providers::Money amount) { return quoted_json(amount.to_string()); };
    return R"({"type":"budget.threshold_passed","timestamp":")" + policy::moment_text(now) +
           R"(","data":{"scope":)" +
           (alert.project.empty() ? R"("organization")" : R"("project")") + R"(,"project":)" +
           (alert.project.empty() ? "null" : quoted_json(alert.project)) +
           R"(,"threshold_percent":)" + std::to_string(alert.threshold) + R"(,"period":)" +
           quoted_json(to_string(alert.per)) + R"(,"period_start":)" +
           (has_start ? quoted_json(policy::day_text(alert.period.first)) : "null") +
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
        auto call = std::make_unique<StatusCall>(reactor);
        const auto upstream = std::make_shared<Upstream>(reactor, resolver, settings_for(*webhook));
        if (co_await deliver(*call, *upstream, *webhook, id, body)) {
            co_return;
        }
        problem = call->problem();
    } catch (const std::exception& failure) {
        problem = failure.what();  // out of memory or descriptors
    }
    complain("alerts.webhook: an alert was not delivered: " + problem);
}

}  // namespace headgate::proxy
