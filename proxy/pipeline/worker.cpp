#include "proxy/pipeline/worker.h"

#include "providers/registry/registry.h"
#include "proxy/net/head_writer.h"
#include "proxy/net/simulator_session.h"
#include "proxy/pipeline/client_session.h"

#include <sys/socket.h>

#include <array>

namespace headgate::proxy {
namespace {

constexpr std::chrono::milliseconds kMaxWrongKeyDelay{50};
constexpr std::chrono::minutes kWrongKeyMemory{1};
constexpr std::size_t kMaxWrongKeyAddresses = 4096;
constexpr std::size_t kHeadLines = std::size_t{8} << 10;
constexpr std::string_view kUserAgent = "headgate/" HEADGATE_VERSION;

/// The fields of every request to `provider`. All of it comes from the validated policy.
std::string head_lines_for(const providers::Provider& provider) {
    std::array<char, kHeadLines> memory{};
    HeadWriter head{memory};
    head.field("host", provider.base_url.authority());
    if (!provider.api_key.empty()) {
        head.field("authorization", "Bearer " + std::string{provider.api_key.reveal()});
    }
    head.field("user-agent", kUserAgent);
    head.field("accept-encoding", "identity");
    if (!provider.organization.empty()) {
        head.field("openai-organization", provider.organization);
    }
    if (!provider.project.empty()) {
        head.field("openai-project", provider.project);
    }
    std::string lines{head.finish()};
    if (!head.is_valid()) {
        throw std::runtime_error(
            "providers." + provider.name +
            ": credential, organization and project are too long for a request head");
    }
    lines.resize(lines.size() - 2);  // without the empty line
    return lines;
}

}  // namespace

Worker::Worker(Process& process) : process_{process}, access_{process.access_log} {
    for (const auto& settings : snapshot().providers) {
        add_line(*settings);
    }
    reactor_.on_tick([this] { sweep(); });
}

Worker::~Worker() {
    access_.flush();
}

void Worker::add_line(const policy::ProviderSettings& settings) {
    const providers::Provider& provider = settings.provider;
    auto line = std::make_unique<ProviderLine>();
    line->provider = &provider;
    line->adapter = &providers::adapter_for(provider.kind);
    line->head_lines = head_lines_for(provider);
    UpstreamSettings upstream;
    upstream.host = provider.base_url.host;
    upstream.port = provider.base_url.port;
    upstream.egress.allow_private = provider.allow_private;
    if (provider.base_url.is_tls) {
        auto tls = ClientTls::make({provider.tls_ca, provider.tls_verify});
        if (!tls) {
            throw std::runtime_error("providers." + provider.name + ".tls: " + tls.error());
        }
        upstream.tls = std::move(*tls);
    }
    if (provider.kind == providers::ProviderKind::simulator || settings.is_simulated) {
        auto simulator = std::make_shared<Simulator>(settings.behaviour);
        upstream.open_internal = [this, simulator] { return open_simulated(reactor_, simulator); };
    }
    line->upstream = std::make_unique<Upstream>(reactor_, process_.resolver, std::move(upstream));
    lines_.emplace(&provider, std::move(line));
}

void Worker::listen(int fd, bool is_unix) {
    listeners_.push_back(
        std::make_unique<Listener>(reactor_, fd, is_unix, [this](int client, std::string peer) {
            if (process_.connections.try_add(peer)) {
                ClientSession::serve(*this, client, std::move(peer));
            } else {
                refuse_connection(client);
            }
        }));
}

/// Above the limits: told in one write before anything is read.
void Worker::refuse_connection(int fd) {
    const std::string body = providers::to_json(
        {providers::ErrorCode::overloaded, "Too many connections are open: try again.", {}, {}});
    const auto now = std::chrono::system_clock::now();
    const RequestId id = ids_.next(now);
    HeadWriter head{scratch_->head};
    head.status_line(503);
    head.field("date", date(now));
    head.field("content-type", "application/json");
    head.field("content-length", body.size());
    head.field("x-request-id", text(id));
    head.field("retry-after", "1");
    head.field("connection", "close");
    const std::string answer = std::string{head.finish()} + body;
    ::send(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::close(fd);
}

void Worker::drain() {
    reactor_.post([this] {
        is_draining_ = true;
        listeners_.clear();
        const std::vector<ClientSession*> all(sessions_.begin(), sessions_.end());
        for (ClientSession* session : all) {
            if (session->is_idle()) {
                session->flow().cancel();
            }
        }
        // A reactor without flows sleeps for good: let it see that it may end.
        reactor_.stop();
    });
}

void Worker::stop() {
    reactor_.post([this] {
        listeners_.clear();
        reactor_.cancel_all();
        reactor_.stop();
    });
}

std::string_view Worker::date(providers::WallTime now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (second != date_second_) {
        date_second_ = second;
        const std::time_t time = std::chrono::system_clock::to_time_t(second);
        std::tm parts{};
        ::gmtime_r(&time, &parts);
        std::array<char, 32> text{};
        const std::size_t size =
            std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        date_.assign(text.data(), size);
    }
    return date_;
}

std::chrono::milliseconds Worker::wrong_key_delay(const std::string& peer) {
    if (wrong_keys_.size() >= kMaxWrongKeyAddresses) {
        wrong_keys_.clear();
    }
    const int count = ++wrong_keys_[peer];
    return std::min(std::chrono::milliseconds{count}, kMaxWrongKeyDelay);
}

void Worker::book(const policy::LedgerRow& row) noexcept {
    access_.append(row);
}

void Worker::count_unsettled() noexcept {
    counters_.unsettled.add(1);
}

void Worker::sweep() {
    std::size_t open = 0;
    for (auto& [provider, line] : lines_) {
        if (is_draining_) {
            line->upstream->close_idle();
        }
        line->upstream->sweep();
        open += line->upstream->open();
    }
    counters_.upstream_connections.set(static_cast<std::int64_t>(open));
    access_.flush_if_due(reactor_.now());
    counters_.log_dropped.set(static_cast<std::int64_t>(access_.dropped()));
    if (reactor_.tick() >= forget_wrong_keys_) {
        wrong_keys_.clear();
        forget_wrong_keys_ = reactor_.tick_after(kWrongKeyMemory);
    }
}

}  // namespace headgate::proxy
