#include "proxy/pipeline/client_session.h"

#include "proxy/net/head_writer.h"
#include "proxy/pipeline/exchange.h"
#include "proxy/pipeline/worker.h"

#include <sys/socket.h>

#include <array>

namespace headgate::proxy {
namespace {

constexpr std::chrono::seconds kLinger{1};
constexpr std::chrono::seconds kErrorSendTime{10};
/// Who has just connected is about to ask.
constexpr std::chrono::seconds kFirstRequestTime{1};

}  // namespace

void ClientSession::serve(Worker& worker, int fd, std::string peer) {
    start(run(worker, fd, std::move(peer)));
}

Task<void> ClientSession::run(Worker& worker, int fd, std::string peer) {
    try {
        ClientSession session{worker, fd, std::move(peer)};
        co_await session.serve_requests();
    } catch (const std::exception& failure) {
        // Out of memory or of kernel resources: this connection ends, the others do not.
        worker.process().log(policy::LogLevel::error,
                             "a connection was given up: " + std::string{failure.what()});
    }
}

ClientSession::ClientSession(Worker& worker, int fd, std::string peer)
    : worker_{worker},
      place_{worker, std::move(peer)},
      flow_{worker.reactor()},
      socket_{worker.reactor(), fd},
      patient_until_{worker.reactor().tick_after(kFirstRequestTime)} {
    socket_.attach(&flow_);
    worker_.join(*this);
    worker_.count().client_connections.add(1);
}

bool ClientSession::may_be_closed() const {
    return is_idle_ && (!is_first_ || worker_.reactor().tick() >= patient_until_);
}

ClientSession::Place::~Place() {
    worker.process().connections.remove(peer);
}

ClientSession::~ClientSession() {
    worker_.count().client_connections.add(-1);
    worker_.leave(*this);
}

Task<void> ClientSession::serve_requests() {
    for (;;) {
        std::string_view rest;
        if (!co_await read_head(rest)) {
            co_return;
        }
        if (!co_await Exchange::serve(*this, rest)) {
            break;
        }
        is_first_ = false;
    }
    co_await linger();
}

IoResult ClientSession::read_some(char* to, std::size_t room) {
    const IoResult result = socket_.read_some(to, room);
    bytes_read_ += result.bytes;
    return result;
}

Task<bool> ClientSession::read_head(std::string_view& rest) {
    // Asked for anew after each wait: a reload may have replaced the policy meanwhile.
    const auto protect = [this]() -> const policy::Protect& { return worker_.snapshot().protect; };
    const Reactor& reactor = worker_.reactor();
    Scratch& scratch = worker_.scratch();
    Tick deadline =
        reactor.tick_after(is_first_ ? protect().header_timeout : protect().keepalive_timeout);
    bool has_begun = false;
    std::size_t fresh = 0;  // bytes of the last read, behind what is held
    for (;;) {
        if (held_.size() + fresh > 0) {
            const ScanResult scan = scan_held(fresh, rest);
            if (scan.status == ScanStatus::complete) {
                co_return true;
            }
            if (scan.status != ScanStatus::incomplete) {
                const bool is_large = scan.status == ScanStatus::too_large;
                co_await refuse_head(
                    is_large ? 431 : 400,
                    is_large ? "its head is larger than the limits allow" : scan.problem);
                co_return false;
            }
            if (!has_begun) {
                has_begun = true;
                deadline = reactor.tick_after(protect().header_timeout);
            }
        }
        is_idle_ = held_.empty();
        const Wake wake = co_await flow_.wait({&socket_, kReadable}, deadline);
        is_idle_ = false;
        if (wake == Wake::stopped) {
            co_return false;
        }
        if (wake == Wake::deadline || reactor.tick() >= deadline) {
            if (has_begun) {
                co_await refuse_head(408, "the request head did not come in time");
            }
            co_return false;
        }
        const IoResult got = read_some(scratch.read.data() + held_.size(), Scratch::kRead);
        if (got.status == IoStatus::closed || got.status == IoStatus::failed) {
            co_return false;
        }
        fresh = got.bytes;
    }
}

/// Scans what is held and the `fresh` bytes behind it in scratch. Keeps an incomplete head.
ScanResult ClientSession::scan_held(std::size_t fresh, std::string_view& rest) {
    const policy::Protect& protect = worker_.snapshot().protect;
    // A policy's limit stays below one read, so that a head and what came with it fit the scratch.
    const HeadLimits limits{std::min(protect.max_header_bytes, Scratch::kRead),
                            protect.max_headers};
    Scratch& scratch = worker_.scratch();
    held_.view().copy(scratch.read.data(), held_.size());
    const std::string_view bytes{scratch.read.data(), held_.size() + fresh};
    const ScanResult scan = scan_request_head(bytes, limits, scratch.request);
    if (scan.status == ScanStatus::complete) {
        held_.reset();
        rest = bytes.substr(scan.size);
    } else if (scan.status == ScanStatus::incomplete) {
        held_.append(bytes.substr(held_.size()));
    }
    return scan;
}

Task<void> ClientSession::refuse_head(int status, std::string_view problem) {
    const providers::ErrorCode code = status == 431   ? providers::ErrorCode::headers_too_large
                                      : status == 408 ? providers::ErrorCode::request_timeout
                                                      : providers::ErrorCode::invalid_request;
    const std::string body = providers::to_json(
        {code, "The HTTP request is not acceptable: " + std::string{problem} + ".", {}, {}});
    const auto now = std::chrono::system_clock::now();
    const RequestId id = worker_.ids().next(now);
    HeadWriter head{worker_.scratch().head};
    head.status_line(status);
    head.field("date", worker_.date(now));
    head.field("content-type", "application/json");
    head.field("content-length", body.size());
    head.field("x-request-id", text(id));
    if (!providers::traits(code).may_retry) {
        head.field("x-should-retry", "false");
    }
    head.field("connection", "close");
    const std::array<std::string_view, 2> pieces{head.finish(), body};
    co_await send(pieces, worker_.reactor().tick_after(kErrorSendTime));
    co_await linger();
}

Task<bool> ClientSession::send(std::span<const std::string_view> pieces, Tick until) {
    if (!queue_.send(socket_, pieces)) {
        co_return false;
    }
    while (!queue_.empty()) {
        if (co_await flow_.wait({&socket_, kWritable}, until) != Wake::ready ||
            !queue_.flush(socket_)) {
            co_return false;
        }
    }
    co_return true;
}

Task<void> ClientSession::linger() {
    if (::shutdown(socket_.fd(), SHUT_WR) != 0) {
        co_return;
    }
    const Tick deadline = worker_.reactor().tick_after(kLinger);
    while (worker_.reactor().tick() < deadline) {
        const IoResult got = read_some(worker_.scratch().read.data(), Scratch::kRead);
        const bool is_open = got.status == IoStatus::done || got.status == IoStatus::would_block;
        if (!is_open || co_await flow_.wait({&socket_, kReadable}, deadline) != Wake::ready) {
            co_return;
        }
    }
}

}  // namespace headgate::proxy
