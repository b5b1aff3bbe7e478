#include "proxy/pipeline/exchange.h"

#include <exception>
#include <functional>

namespace headgate::proxy {
namespace {

/// How much of a prompt has to be equal for two requests to share a provider's prompt cache: about
/// the 256 tokens by which OpenAI itself routes.
constexpr std::size_t kPrefix = 1024;

/// 0 where the prompt is too short to be worth sticking to a target.
std::uint64_t prefix_of(const providers::ApiRequest& request, std::string_view project) {
    const providers::ByteRange& prompt = request.prompt;
    if (prompt.end - prompt.begin < kPrefix) {
        return 0;
    }
    const std::hash<std::string_view> hash;
    const std::uint64_t digest = hash(request.body.substr(prompt.begin, kPrefix)) ^
                                 (hash(request.model) * 3) ^ (hash(project) * 7);
    return digest == 0 ? 1 : digest;
}

}  // namespace

Exchange::Exchange(ClientSession& client)
    : client_{client},
      worker_{client.worker()},
      view_{worker_.view()},
      snapshot_{view_->snapshot()},
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
        settle_estimate(stream_ ? stream_->content_tokens() : providers::Tokens{});
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
    if (!co_await admit()) {
        co_return co_await answer_error();
    }
    co_await attempt_targets();
}

std::uint64_t Exchange::seed() const {
    return std::hash<std::string_view>{}(row_.id);
}

policy::Facts Exchange::facts_for_plan(std::vector<policy::HeaderFact>& headers) {
    const policy::Router::Needs& needs = view_->policy().router.needs();
    for (const auto& [name, value] : facts_.routing) {
        headers.push_back({name, value});
    }
    policy::Facts facts;
    facts.project = identity_.project;
    facts.endpoint = request_.endpoint;
    facts.model = request_.model;
    facts.stream = request_.stream;
    facts.headers = headers;
    if (needs.input_tokens) {
        facts.input_tokens = estimate().guess.count;
        facts.output_tokens = request_.output_cap().value_or(0);
    }
    if (needs.budget_used) {
        facts.budget_used = worker_.budget_used(*identity_.project, policy::day_of(row_.time));
    }
    if (needs.prefix) {
        facts.prefix = prefix_of(request_, identity_.project->id);
    }
    return facts;
}

/// Step 5.
bool Exchange::make_plan() {
    std::vector<policy::HeaderFact> headers;
    auto made = view_->policy().router.plan(
        facts_for_plan(headers),
        {view_->healths(), policy::Random{seed()}, worker_.reactor().now()});
    if (!made) {
        error_ = std::move(made.error());
        return false;
    }
    plan_ = std::move(*made);
    row_.route = plan_.route->name;
    for (const policy::SkippedTarget& skipped : plan_.skipped) {
        row_.skipped.push_back({skipped.provider, skipped.model, skipped.reason});
    }
    set_deadlines();
    return true;
}

void Exchange::set_deadlines() {
    route_total_ = until(request_.stream ? timeouts().stream_total : timeouts().total);
    if (facts_.timeout) {
        client_total_ = until(*facts_.timeout);
    }
    if (facts_.patience) {
        patience_ends_ = until(*facts_.patience);
    }
}

/// Step 6. No route of the implicit policy has a cache: nothing is ever known.
bool Exchange::recall() {
    row_.cache = "off";
    return false;
}

bool Exchange::refuse(providers::ErrorCode code, std::string message, std::string param) {
    error_ = providers::ApiError{code, std::move(message), std::move(param), {}};
    return false;
}

}  // namespace headgate::proxy
