#include "proxy/pipeline/client_session.h"

#include "proxy/net/head_writer.h"
#include "proxy/pipeline/exchange.h"
#include "proxy/pipeline/worker.h"

#include <sys/socket.h>

#include <array>

namespace headgate::proxy {
namespace {

constexpr std::chrono::seconds kLinger{1};
constexpr std::size_t kMaxLingerBytes = 256 * 1024;
constexpr std::chrono::seconds kErrorSendTime{10};

}  // namespace

void ClientSession::serve(Worker& worker, int fd, std::string peer) {
    start(run(worker, fd, std::move(peer)));
}

Task<void> ClientSession::run(Worker& worker, int fd, std::string peer) {
    ClientSession session{worker, fd, std::move(peer)};
    co_await session.serve_requests();
}

ClientSession::ClientSession(Worker& worker, int fd, std::string peer)
    : worker_{worker},
      flow_{worker.reactor()},
      socket_{worker.reactor(), fd},
      peer_{std::move(peer)} {
    socket_.attach(&flow_);
    worker_.join(*this);
    worker_.count().client_connections.add(1);
}

ClientSession::~ClientSession() {
    worker_.count().client_connections.add(-1);
    worker_.process().connections.remove(peer_);
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
    const policy::Protect& protect = worker_.snapshot().protect;
    const HeadLimits limits{protect.max_header_bytes, protect.max_headers};
    Scratch& scratch = worker_.scratch();
    const Reactor& reactor = worker_.reactor();
    Tick deadline =
        reactor.tick_after(is_first_ ? protect.header_timeout : protect.keepalive_timeout);
    bool has_begun = false;
    for (;;) {
        if (!held_.empty()) {
            // Scratch gets a copy, so that what follows need not care where the head lies. The
            // limit keeps it small: a head above it is refused before it is whole.
            const std::size_t size = std::min(held_.size(), scratch.read.size());
            const std::string_view kept = held_.view();
            kept.copy(scratch.read.data(), size);
            const ScanResult scan =
                scan_request_head({scratch.read.data(), size}, limits, scratch.request);
            if (scan.status == ScanStatus::complete) {
                rest = std::string_view{scratch.read.data(), size}.substr(scan.size);
                // Pipelined bytes beyond the scratch are read later.
                Buffer beyond;
                beyond.append(kept.substr(size));
                held_ = std::move(beyond);
                co_return true;
            }
            if (scan.status != ScanStatus::incomplete) {
                co_await refuse_head(scan.status == ScanStatus::too_large ? 431 : 400,
                                     scan.problem);
                co_return false;
            }
            if (!has_begun) {
                has_begun = true;
                deadline = reactor.tick_after(protect.header_timeout);
            }
        }
        is_idle_ = held_.empty();
        const Wake wake = co_await flow_.wait({&socket_, kReadable}, deadline);
        is_idle_ = false;
        if (wake != Wake::ready) {
            if (wake == Wake::deadline && has_begun) {
                co_await refuse_head(408, "the request head did not come in time");
            }
            co_return false;
        }
        const IoResult got = read_some(scratch.read.data(), scratch.read.size());
        if (got.status == IoStatus::would_block) {
            continue;
        }
        if (got.status != IoStatus::done) {
            co_return false;
        }
        const std::string_view bytes{scratch.read.data(), got.bytes};
        if (held_.empty()) {
            const ScanResult scan = scan_request_head(bytes, limits, scratch.request);
            if (scan.status == ScanStatus::complete) {
                rest = bytes.substr(scan.size);
                co_return true;
            }
        }
        held_.append(bytes);
    }
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
    std::size_t seen = 0;
    while (seen < kMaxLingerBytes) {
        const IoResult got =
            read_some(worker_.scratch().read.data(), worker_.scratch().read.size());
        if (got.status == IoStatus::done) {
            seen += got.bytes;
            continue;
        }
        if (got.status != IoStatus::would_block ||
            co_await flow_.wait({&socket_, kReadable}, deadline) != Wake::ready) {
            co_return;
        }
    }
}

}  // namespace headgate::proxy
