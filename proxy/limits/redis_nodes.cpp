#include "proxy/limits/redis_nodes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace headgate::proxy {
namespace {

using policy::RespValue;
using Call = policy::RedisLimits::Call;

constexpr std::size_t kMaxHost = 255;
constexpr std::size_t kMaxRoutes = 65'536;

std::unexpected<RedisFailure> malformed(std::string problem) {
    return std::unexpected{RedisFailure{RedisFailure::Kind::malformed, std::move(problem)}};
}

/// "MOVED 3999 127.0.0.1:6381": the last word.
std::string_view address_in(const RespValue& reply) {
    const std::string_view text = reply.text;
    return text.substr(text.rfind(' ') + 1);
}

std::string command(std::initializer_list<std::string_view> words) {
    return policy::resp_command({words.begin(), words.size()});
}

}  // namespace

bool parse_node_address(std::string_view text,
                        const policy::RedisAddress& like,
                        policy::RedisAddress& address) {
    const std::size_t colon = text.rfind(':');
    if (colon > kMaxHost) {  // or npos
        return false;
    }
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool is_host = std::ranges::all_of(host, [](char c) { return c > ' ' && c <= '~'; });
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || !is_host ||
        (host.empty() && like.host.empty())) {
        return false;
    }
    address = like;
    if (!host.empty()) {
        address.host = host;
    }
    address.port = port;
    address.unix_path.clear();
    return true;
}

RedisNodes::RedisNodes(Reactor& reactor,
                       Resolver& resolver,
                       policy::RedisAddress home,
                       std::shared_ptr<const TlsTrust> trust)
    : reactor_{reactor}, resolver_{resolver}, named_{std::move(home)}, trust_{std::move(trust)} {
    home_ = std::make_unique<RedisConnection>(reactor_, resolver_, named_, trust_);
}

Task<RedisResult<void>> RedisNodes::connect(Flow& flow) {
    if (home_->is_open()) {
        co_return RedisResult<void>{};
    }
    RedisResult<void> opened = co_await open_home(flow);
    if (!opened && !known_.empty() && !flow.is_cancelled()) {
        // One of the others a try: the caller comes again.
        const policy::RedisAddress& other = known_[next_known_++ % known_.size()];
        home_ = std::make_unique<RedisConnection>(reactor_, resolver_, other, trust_);
        const RedisResult<void> other_opened = co_await home_->open(flow, kConnect);
        if (other_opened) {
            co_return RedisResult<void>{};
        }
    }
    co_return opened;
}

Task<RedisResult<void>> RedisNodes::open_home(Flow& flow) {
    home_ = std::make_unique<RedisConnection>(reactor_, resolver_, named_, trust_);
    RedisResult<void> opened = co_await home_->open(flow, kConnect);
    if (!opened) {
        co_return opened;
    }
    co_return co_await learn_nodes(flow);
}

/// Asks a node of a Cluster for the others. Any other server answers with an error, which is well.
Task<RedisResult<void>> RedisNodes::learn_nodes(Flow& flow) {
    RedisResult<RespValue> ranges =
        co_await home_->call(command({"CLUSTER", "SLOTS"}), flow, kConnect);
    if (!ranges) {
        co_return std::unexpected{std::move(ranges.error())};
    }
    known_.clear();
    for (const RespValue& range : ranges->items) {
        for (std::size_t i = 2; i < range.items.size() && known_.size() < kMaxNodes; ++i) {
            const RespValue& entry = range.items[i];
            policy::RedisAddress address;
            if (entry.items.size() >= 2 &&
                parse_node_address(
                    entry.items[0].text + ":" + std::to_string(entry.items[1].number), named_,
                    address) &&
                std::ranges::none_of(known_, [&](const policy::RedisAddress& known) {
                    return known.host == address.host && known.port == address.port;
                })) {
                known_.push_back(std::move(address));
            }
        }
    }
    co_return RedisResult<void>{};
}

void RedisNodes::close() {
    home_->close();
    nodes_.clear();
    routes_.clear();
    asking_.clear();
}

RedisConnection* RedisNodes::node(std::string_view address) {
    const auto found = nodes_.find(address);
    if (found != nodes_.end()) {
        return found->second.get();
    }
    policy::RedisAddress parsed;
    if (nodes_.size() >= kMaxNodes || !parse_node_address(address, home_->address(), parsed)) {
        return nullptr;
    }
    auto made = std::make_unique<RedisConnection>(reactor_, resolver_, std::move(parsed), trust_);
    return nodes_.emplace(std::string{address}, std::move(made)).first->second.get();
}

bool RedisNodes::redirect(const std::string& shard_key, std::string_view address, bool is_asking) {
    if (node(address) == nullptr) {
        return false;
    }
    if (is_asking) {
        asking_ = address;
        return true;
    }
    if (routes_.size() >= kMaxRoutes) {
        routes_.clear();
    }
    routes_[shard_key] = address;
    return true;
}

Task<RedisResult<RespValue>> RedisNodes::ask(const Call& call,
                                             Flow& flow,
                                             std::chrono::milliseconds deadline) {
    const std::string asked = std::exchange(asking_, {});
    const auto route = routes_.find(call.shard_key);
    RedisConnection* to = home_.get();
    if (!asked.empty()) {
        to = node(asked);
    } else if (route != routes_.end()) {
        to = node(route->second);
    }
    // Redirections only lead to nodes that node() has made.
    if (!to->is_open()) {
        RedisResult<void> opened = co_await to->open(flow, kConnect);
        if (!opened) {
            co_return std::unexpected{std::move(opened.error())};
        }
    }
    if (!asked.empty()) {
        RedisResult<RespValue> ready = co_await to->call(command({"ASKING"}), flow, deadline);
        if (!ready) {
            co_return ready;
        }
    }
    co_return co_await to->call(call.bytes, flow, deadline);
}

Task<RedisResult<RespValue>> RedisNodes::ask_following(const Call& call,
                                                       Flow& flow,
                                                       std::chrono::milliseconds deadline) {
    for (int i = 0; i < kMaxRedirections; ++i) {
        RedisResult<RespValue> reply = co_await ask(call, flow, deadline);
        const bool is_asking = reply && reply->is_error("ASK");
        if (!reply || (!is_asking && !reply->is_error("MOVED"))) {
            co_return reply;
        }
        if (!redirect(call.shard_key, address_in(*reply), is_asking)) {
            co_return malformed("a redirection to no address");
        }
    }
    co_return malformed("too many redirections");
}

}  // namespace headgate::proxy
