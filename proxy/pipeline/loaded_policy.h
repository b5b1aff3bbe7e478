#pragma once

#include "policy/config/snapshot.h"
#include "policy/config/yaml_tree.h"
#include "policy/keys/stored_keys.h"
#include "policy/limits/accounts.h"
#include "policy/limits/limit_rules.h"
#include "policy/routing/router.h"
#include "providers/contract/answer_decoder.h"
#include "proxy/net/tls.h"
#include "proxy/pipeline/webhook.h"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace headgate::proxy {

/// One provider of a policy as all workers use it: who encodes, the part of every request head that
/// does not change, and whom to trust.
struct ProviderWire {
    const policy::ProviderSettings* settings = nullptr;
    const providers::Adapter* adapter = nullptr;
    std::string head_lines;                 // checked: Host, credential, our user-agent, …
    std::string models_path;                // of GET /models, for the active probe
    std::shared_ptr<const TlsTrust> trust;  // null: plain
    std::string trust_stamp;                // tells whether the file of `trust` has changed
};

/// A policy that is ready to serve: validated, indexed, its token and certificate files read.
/// Immutable, shared by the workers.
struct LoadedPolicy {
    LoadedPolicy(std::shared_ptr<const policy::Snapshot> from,
                 policy::YamlPtr written,
                 policy::Accounts& accounts);

    std::shared_ptr<const policy::Snapshot> snapshot;
    policy::YamlPtr tree;  // as written, for showing it
    policy::Router router;
    policy::LimitBook limits;
    policy::ProjectIndex projects;
    std::vector<ProviderWire> wires;         // as snapshot->providers
    std::shared_ptr<const Webhook> webhook;  // null: alerts go to log and metric only
    bool forwards_client_headers = false;    // some provider has forward_headers
};

/// Makes `snapshot` ready; its limits count in `accounts`, which must outlive it. What `previous`
/// (may be null) has read from files that have not changed is shared. The error names the setting:
/// a token file that cannot be read, a CA that is none.
std::expected<std::shared_ptr<const LoadedPolicy>, std::string> make_loaded_policy(
    std::shared_ptr<const policy::Snapshot> snapshot,
    policy::YamlPtr tree,
    policy::Accounts& accounts,
    const LoadedPolicy* previous);

}  // namespace headgate::proxy
