#include "proxy/pipeline/exchange.h"

#include <exception>

namespace headgate::proxy {

Exchange::Exchange(ClientSession& client)
    : client_{client},
      worker_{client.worker()},
      snapshot_{worker_.snapshot()},
      began_{worker_.reactor().now()},
      sent_before_{client.queue().bytes_sent()} {
    row_.time = std::chrono::system_clock::now();
    id_ = worker_.ids().next(row_.time);
    row_.id = text(id_);
    row_.client = client.peer();
}

Task<bool> Exchange::serve(ClientSession& client, Bytes rest) {
    Exchange exchange{client};
    const Counted counted{exchange.worker_.count().requests_in_flight};
    bool is_bug = false;
    try {
        exchange.read_head(rest);
        co_await exchange.run();
    } catch (const std::exception& bug) {
        exchange.note_bug(bug.what());
        is_bug = true;
    }
    if (is_bug) {
        co_await exchange.answer_error();
    }
    if (exchange.reservation_) {
        exchange.finish_row();
    }
    // A connection that a drain found busy is closed behind its answer.
    const bool may_go_on = exchange.may_keep_alive_ && !exchange.worker_.is_draining() &&
                           !client.flow().is_cancelled() &&
                           exchange.body_reader_.state() == BodyReader::State::end;
    co_return may_go_on;
}

/// An exception is a bug or a lack of memory: told to the operator, charged where something was
/// sent, answered by 500 where nothing was.
void Exchange::note_bug(std::string_view what) {
    worker_.process().log(policy::LogLevel::error,
                          "exchange " + std::string{row_.id} + " failed: " + std::string{what});
    may_keep_alive_ = false;
    if (call_.is_sent && !call_.is_charged) {
        settle_estimate(stream_ ? stream_->content_bytes() : 0);
    }
    refuse(providers::ErrorCode::internal_error,
           "Headgate failed to serve this request. The operator finds it by its x-request-id.");
}

/// The way of a request: docs/architecture.md has the table.
Task<void> Exchange::run() {
    if (facts_.is_probe_live || facts_.is_probe_ready) {
        co_return co_await answer_probe();
    }
    if (!identify() || !classify()) {
        co_return co_await answer_error();
    }
    if (facts_.where.endpoint->handling == providers::Handling::local) {
        co_return co_await answer_local();
    }
    if (!co_await read_body() || !understand() || !make_plan()) {
        co_return co_await answer_error();
    }
    if (recall()) {
        co_return;
    }
    if (!admit()) {
        co_return co_await answer_error();
    }
    co_await attempt_targets();
}

/// Step 5.
bool Exchange::make_plan() {
    auto made = policy::plan(snapshot_, *identity_.project, request_);
    if (!made) {
        error_ = std::move(made.error());
        return false;
    }
    plan_ = std::move(*made);
    row_.route = plan_.route;
    for (const policy::SkippedTarget& skipped : plan_.skipped) {
        row_.skipped.push_back({skipped.provider, skipped.model, skipped.reason});
    }
    policy::Deadlines& deadlines = plan_.deadlines;
    if (facts_.patience) {
        deadlines.first_byte = std::min(deadlines.first_byte, *facts_.patience);
        deadlines.idle = std::min(deadlines.idle, *facts_.patience);
    }
    auto total = request_.stream ? deadlines.stream_total : deadlines.total;
    if (facts_.timeout) {
        total = std::min(total, *facts_.timeout);
    }
    total_deadline_ = until(total);
    return true;
}

/// Step 6. No route of the implicit policy has a cache: nothing is ever known.
bool Exchange::recall() {
    row_.cache = "off";
    return false;
}

/// Step 7. No project of the present policy has a limit or a budget: whoever may use the model is
/// admitted, and owes the ledger its row.
bool Exchange::admit() {
    return reservation_.has_value();
}

bool Exchange::refuse(providers::ErrorCode code, std::string message, std::string param) {
    error_ = providers::ApiError{code, std::move(message), std::move(param), {}};
    return false;
}

}  // namespace headgate::proxy
