#pragma once

#include "policy/config/snapshot.h"
#include "policy/limits/accounts.h"
#include "proxy/net/reactor.h"
#include "proxy/net/resolver.h"
#include "proxy/net/task.h"
#include "proxy/net/tls.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// Where alerts go. Immutable; one a policy.
struct Webhook {
    providers::BaseUrl url;
    providers::Secret secret;
    std::shared_ptr<const TlsTrust> trust;  // null: plain
};

/// The message of a budget's threshold: Standard Webhooks' `type`, `timestamp` and `data`.
std::string alert_json(const policy::BudgetAlert& alert, providers::WallTime now);

/// POSTs `body`, signed, under the id `id`: tried three times, 5 s each, a pause of 1 s and 5 s
/// between, until the receiver answers 2xx. Redirects are not followed. Where all have failed,
/// `complain` gets a text. Runs by itself on the reactor.
Task<void> send_webhook(Reactor& reactor,
                        Resolver& resolver,
                        std::shared_ptr<const Webhook> webhook,
                        std::string id,
                        std::string body,
                        std::function<void(std::string_view)> complain);

}  // namespace headgate::proxy
