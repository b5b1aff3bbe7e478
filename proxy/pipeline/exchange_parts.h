// What an Exchange is made of: values that one of its steps leaves for another.
#pragma once

#include "metrics/registry/worker_counters.h"
#include "policy/limits/demand.h"
#include "policy/routing/attempt_walk.h"
#include "providers/contract/answer_decoder.h"
#include "providers/contract/endpoint.h"
#include "proxy/limits/shared_limits.h"
#include "proxy/net/body_reader.h"
#include "proxy/net/buffer.h"
#include "proxy/net/socket.h"
#include "proxy/pipeline/fixed_text.h"
#include "proxy/pipeline/policy_view.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::proxy {

/// What an exchange keeps of the request's head; the head itself lies in scratch and is dead after
/// the first suspension.
struct RequestFacts {
    providers::Classified where;
    bool is_get = false;
    bool is_head = false;         // its answers carry no body
    bool is_probe_live = false;   // GET /healthz
    bool is_probe_ready = false;  // GET /readyz
    bool is_http_1_0 = false;
    bool keeps_alive = true;
    bool expects_continue = false;
    bool is_json = false;
    bool is_coded = false;                              // Content-Encoding other than identity
    std::optional<std::chrono::milliseconds> timeout;   // x-headgate-timeout
    std::optional<std::chrono::milliseconds> patience;  // x-stainless-read-timeout, -timeout
    bool has_bad_timeout = false;
    std::optional<providers::Money> max_cost;  // x-headgate-max-cost-usd
    bool has_bad_max_cost = false;
    std::string tags;  // x-headgate-tags, checked
    bool has_bad_tags = false;
    bool wants_summary = false;  // x-headgate-stream-summary
    std::string path;            // only where a message or a look-up needs it
    std::string client_request_id;
    std::string traceparent;
    std::string idempotency_key;
    // Only where the policy asks for them:
    std::string organization;  // openai-organization
    std::string openai_project;
    std::string beta;
    std::vector<std::pair<std::string_view, std::string>> routing;  // names live in the Router
};

/// How one attempt at a target ended.
enum class AttemptEnd : std::uint8_t {
    answered,  // the client has an answer, whole or visibly cut; the row says which
    failed,    // nothing reached the client: another target may be tried
    client_gone,
    stopped,  // shutdown
};

/// How a step on the upstream connection went.
enum class Wire : std::uint8_t { ok, broken, timeout, malformed, client_gone, stopped };

/// What the latest failed attempt leaves for the answer when nothing works.
struct LatestFailure {
    policy::AttemptFailure what;
    providers::ProviderError error;   // of a status
    FixedText<64> retry_after_lines;  // the provider's retry-after fields, checked
    /// Not the target's fault: the client's own time-out, our own limit of connections.
    bool is_ours = false;
};

/// The upstream side of the attempt that runs.
struct Call {
    ProviderLine* line = nullptr;
    std::unique_ptr<Socket> socket;
    SendQueue queue;
    BodyReader body = BodyReader::none();
    Buffer held;  // bytes of an answer head that is not whole
    Bytes bytes;  // what was read and not used yet: in scratch, dead after a suspension
    int status = 0;
    bool is_reused = false;
    bool is_request_cut = false;  // the provider did not take all of it
    bool is_sent = false;         // the provider may charge for this attempt
    bool is_charged = false;      // the row has what it cost
    bool has_answer_bytes = false;
    bool keeps_alive = false;
    bool is_event_stream = false;
    bool is_json = false;
    bool is_coded = false;
    bool is_saturated = false;     // our own limit of connections was in the way
    bool waits_by_client = false;  // the deadline of the latest wait was the client's
    std::optional<std::chrono::milliseconds> retry_after;
    std::optional<std::chrono::milliseconds> resets_in;  // of a used-up rate limit
    FixedText<64> retry_after_lines;                     // the provider's fields, checked
    std::chrono::steady_clock::time_point began;
};

/// What an exchange holds of limits and budgets.
struct Hold {
    policy::Subject subject;
    policy::Settled settled;  // `held` is what was admitted
    Grant grant;              // by whom
    bool is_held = false;
    bool is_settled = false;  // given back, and what was used is counted
};

/// Counts one in a gauge as long as it lives.
class Counted {
public:
    explicit Counted(metrics::OwnedCount& gauge) : gauge_{gauge} { gauge_.add(1); }
    ~Counted() { gauge_.add(-1); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    metrics::OwnedCount& gauge_;
};

}  // namespace headgate::proxy
