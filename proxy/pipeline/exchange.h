#pragma once

#include "policy/budget/price_book.h"
#include "policy/budget/reservation.h"
#include "policy/budget/worst_case.h"
#include "policy/keys/project.h"
#include "policy/ledger/row.h"
#include "policy/routing/attempt_walk.h"
#include "policy/routing/router.h"
#include "providers/contract/answer_decoder.h"
#include "providers/contract/api_request.h"
#include "providers/contract/token_estimate.h"
#include "proxy/net/head_writer.h"
#include "proxy/net/http_head.h"
#include "proxy/net/task.h"
#include "proxy/pipeline/client_session.h"
#include "proxy/pipeline/exchange_parts.h"
#include "proxy/pipeline/request_id.h"
#include "proxy/pipeline/worker.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// One request from a client and its one answer. run() reads like the table of steps in
/// docs/architecture.md; every way out leads through the reservation's settlement.
///
/// Lives in the frame of serve(), on its worker, as long as the request is served.
class Exchange : private policy::Ledger {
public:
    /// Serves the request whose head stands in the worker's scratch; `rest` is what came behind the
    /// head. True where the connection may carry another request.
    static Task<bool> serve(ClientSession& client, Bytes rest);

private:
    explicit Exchange(ClientSession& client);
    ~Exchange() override = default;

    Task<void> run();
    void note_bug(std::string_view what);

    // Steps 1 to 3: request_head.cpp. False: error_ holds why.
    void read_head(Bytes rest);
    bool identify();
    bool classify();
    bool may_use_endpoint(const providers::Endpoint& endpoint);
    bool has_right_form(const providers::Endpoint& endpoint);
    void note_field(std::string_view name, std::string_view value);
    void note_asked_field(std::string_view name, std::string_view value);
    void note_limit(std::string_view name, std::string_view value);
    void note_tags(std::string_view value);
    // Step 4: request_body.cpp
    Task<bool> read_body();
    bool read_body_step();
    bool understand();
    void keep_texts();
    void take_body(Bytes& bytes);
    // Steps 5 to 7: exchange.cpp
    bool make_plan();
    void set_deadlines();
    policy::Facts facts_for_plan(std::vector<policy::HeaderFact>& headers);
    bool recall();
    // Step 7: admit.cpp
    Task<bool> admit();
    bool is_bounded() const;
    void note_project_cap();
    policy::WorstCaseInput bound_input(std::optional<std::int64_t> cap);
    bool bound_cost(std::optional<std::int64_t> cap);
    void make_demand();
    std::int64_t guess_tokens();
    Task<bool> reserve();
    Task<policy::Decision> ask_limits(const policy::Demand& demand);
    bool lower_cap(const policy::Refusal& refusal);
    void note_shadows();
    bool refuse_by(const policy::Refusal& refusal);
    bool open_record();
    std::string_view encode_expired_row();
    void expire_by_size(policy::LedgerRow& row) const;
    Task<bool> top_up();
    // Step 8: attempts.cpp, attempt.cpp, answer_head.cpp
    Task<void> attempt_targets();
    Task<AttemptEnd> pause_before(const policy::AttemptWalk::Step& step);
    void finish_attempt(AttemptEnd end, policy::TargetHealth& health);
    policy::AttemptReport report_of(AttemptEnd end) const;
    void record_outcome(const policy::AttemptReport& report,
                        policy::TargetHealth& health,
                        std::chrono::steady_clock::time_point now);
    void warn_of_bench(AttemptEnd end);
    Tick last_deadline() const;
    std::chrono::milliseconds time_left() const;
    Task<AttemptEnd> attempt(const providers::Target& target);
    Task<Wire> take_connection();
    Task<Wire> open_connection();
    Wire wire_of(const ConnectFailure& failure);
    void send_request(const providers::UpstreamRequest& request);
    bool is_stale(Wire wire) const;
    Task<Wire> read_answer_head();
    void write_forwarded(HeadWriter& head);
    Bytes upstream_head(const providers::UpstreamRequest& request);
    void note_answer_head();
    bool note_retry_advice(const HeadField& field);
    Task<Wire> read_answer_bytes(Tick deadline);
    void note_wait(std::chrono::steady_clock::time_point from);
    AttemptEnd end_of(Wire wire);
    AttemptEnd fail(policy::AttemptFailure::Kind kind, std::string_view reason);
    Task<AttemptEnd> collect_error();
    bool begin_finishing();
    void warn(std::string_view problem);
    void tell(policy::LogLevel level, std::string_view problem);
    // Step 9: relay_plain.cpp, relay_stream.cpp. call_.bytes holds what came behind the head.
    Task<AttemptEnd> relay();
    Task<AttemptEnd> relay_plain();
    Task<AttemptEnd> answer_plain(Bytes body);
    Task<AttemptEnd> relay_large(Bytes begun);
    Bytes large_head(std::optional<std::uint64_t> length);
    Task<AttemptEnd> relay_stream();
    Task<AttemptEnd> relay_events();
    void settle_stream();
    Task<void> close_books(providers::StreamState state);
    providers::StreamState decode_events();
    bool send_events(std::string_view events, bool is_last);
    Bytes stream_head();
    Tick keepalive_tick() const;
    Task<Wire> await_events(Tick deadline, Tick comment_due);
    Task<AttemptEnd> end_stream(providers::StreamState state);
    void release_upstream();
    // Answers: answer.cpp
    Task<void> answer_error();
    Task<void> answer_failures(const policy::AttemptWalk& walk);
    Task<void> pass_error(std::string_view retry_after_lines);
    Task<void> answer_local();
    Task<void> answer_probe();
    Task<void> send_own(int status, std::string_view extra_lines, std::string_view body);
    void write_common_lines(HeadWriter& head);
    void write_headroom(HeadWriter& head,
                        std::string_view unit,
                        const std::optional<policy::Headroom>& room);
    void write_target_lines(HeadWriter& head);
    bool refuse(providers::ErrorCode code, std::string message, std::string param = {});
    // Step 10: settle.cpp
    /// Charges what the provider told, or our own count: the request's input and `answer`.
    void settle_answer(const providers::Usage& usage,
                       providers::Tokens answer,
                       std::string_view service_tier);
    /// Adds what an attempt consumed to the row.
    void charge(const providers::Usage& usage, std::string_view service_tier);
    /// Charges by our own count.
    void settle_estimate(providers::Tokens answer);
    /// The same for an answer that has passed unread: four bytes a token.
    void settle_unread(std::size_t answer_bytes);
    bool is_beyond(const providers::Usage& usage) const;
    const providers::TokenEstimate& estimate();
    void seal(policy::Outcome outcome);
    Task<void> await_durable();
    std::string_view encode_row(std::size_t most);
    void note_over_reserved();
    void note_times();
    void finish_row();
    void book(const policy::LedgerRow& row) noexcept override;
    void count_unsettled() noexcept override;
    void release_hold() noexcept;
    policy::Outcome lost_outcome() const;

    /// Nothing where the answer is read to its end although the client has left.
    Interest client_gone() { return {is_finishing_ ? nullptr : &client_.socket(), kGone}; }
    bool is_client_gone() const { return !is_finishing_ && client_.socket().is_ready(kGone); }
    /// The end of a wait of the route's `limit`, or earlier where the client's patience ends.
    Tick deadline_before_answer(std::chrono::milliseconds limit);
    Tick deadline_inside_answer();
    const policy::Timeouts& timeouts() const { return plan_.route->timeouts; }
    /// Of the draws that this exchange makes.
    std::uint64_t seed() const;
    Tick until(std::chrono::milliseconds wait) const { return worker_.reactor().tick_after(wait); }

    ClientSession& client_;
    Worker& worker_;
    std::shared_ptr<PolicyView> view_;  // first: what follows looks into it
    const policy::Snapshot& snapshot_;
    RequestId id_{};
    std::chrono::steady_clock::time_point began_;
    std::uint64_t sent_before_ = 0;

    RequestFacts facts_;
    std::string forwarded_for_;  // row_.client may look here
    BodyReader body_reader_ = BodyReader::none();
    Buffer body_;
    std::uint64_t body_bytes_ = 0;
    bool is_body_too_large_ = false;
    std::optional<providers::ApiError> error_;

    std::shared_ptr<const policy::StoredKeys> stored_keys_;  // where identity_ looks there
    policy::Identity identity_;
    providers::ApiRequest request_;
    // A live stream gives its body back; request_ looks here for what outlives it.
    FixedText<256> model_;
    FixedText<64> service_tier_;
    FixedText<64> picture_size_;
    FixedText<64> picture_quality_;
    FixedText<64> picture_format_;
    policy::Plan plan_;
    policy::LedgerRow row_;
    Hold hold_;
    policy::Decision decision_;
    policy::WorstCase worst_;  // where is_budgeted_ or the client limits its cost
    std::optional<policy::Journal::Slot> slot_;
    std::optional<providers::TokenEstimate> estimate_;
    std::optional<policy::LimitKind> refused_kind_;
    std::string reason_;  // x-headgate-reason
    bool is_budgeted_ = false;
    bool is_written_ = false;   // the journal has the settled row
    bool was_charged_ = false;  // the latest attempt, though it failed

    Tick route_total_ = kNever;
    Tick client_total_ = kNever;   // x-headgate-timeout; the end of finishing without a client
    Tick patience_ends_ = kNever;  // the client gives up where it has no byte by then
    std::optional<policy::AttemptPermit> permit_;
    Call call_;
    LatestFailure latest_;
    std::optional<std::chrono::milliseconds> retry_after_;  // to tell with a 503
    std::unique_ptr<providers::StreamDecoder> stream_;
    FixedText<512> passed_lines_;  // of the provider's head, for the client; checked
    FixedText<128> upstream_request_id_;
    std::string code_;                                     // of a provider's error, for the row
    std::chrono::steady_clock::duration waited_{};         // for the client's body and the provider
    std::chrono::steady_clock::duration upstream_time_{};  // from sending to the answer
    bool may_keep_alive_ = true;
    bool is_from_target_ = false;  // the answer of our own making passes a provider's error
    bool is_answered_ = false;     // a head has gone to the client
    bool is_finishing_ = false;    // the client has left, the answer is read on

    /// Last, so that it ends first: its end may book the row with all of the above.
    std::optional<policy::Reservation> reservation_;
};

}  // namespace headgate::proxy
