#include "proxy/net/socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

namespace headgate::proxy {
namespace {

constexpr std::size_t kMaxPieces = 16;
/// Below this a copy into one piece is cheaper than what the kernel does for a message of several.
constexpr std::size_t kGatherBytes = 4096;
/// What one TLS record holds.
constexpr std::size_t kRecordBytes = std::size_t{16} << 10;

}  // namespace

Socket::Socket(Reactor& reactor, int fd) : reactor_{reactor}, fd_{fd} {
    try {
        key_ = reactor_.add(*this, fd_);
    } catch (...) {
        ::close(fd_);
        throw;
    }
}

Socket::~Socket() {
    if (ssl_ != nullptr) {
        // Tells the peer once, without waiting for its answer.
        SSL_shutdown(ssl_);
        SSL_free(ssl_);
        ERR_clear_error();
    }
    if (tally_ != nullptr) {
        --tally_->count;
        if (tally_->on_close) {
            tally_->on_close();
        }
    }
    reactor_.remove(key_);
    ::close(fd_);
}

void Socket::on_events(std::uint32_t events) {
    std::uint8_t now = kNothing;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        now |= kReadable;
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        now |= kWritable;
    }
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        now |= kGone;
    }
    ready_ |= now;
    if (flow_ != nullptr && (ready_ & interest_) != 0) {
        flow_->resume(Wake::ready);
    }
}

bool Socket::is_quiet() {
    if (is_ready(kGone)) {
        return false;
    }
    // The last read may have filled its buffer exactly, or left a TLS session ticket unread.
    char byte = 0;
    return !is_ready(kReadable) || read_some(&byte, 1).status == IoStatus::would_block;
}

IoResult Socket::read_some(char* to, std::size_t room) {
    if (ssl_ != nullptr) {
        return tls_read(to, room);
    }
    for (;;) {
        const ssize_t got = ::recv(fd_, to, room, 0);
        if (got > 0) {
            const auto bytes = static_cast<std::size_t>(got);
            // A short read has emptied the socket; more would be a new edge. An end that has
            // already been told (kGone) would not.
            if (bytes < room && !is_ready(kGone)) {
                clear_ready(kReadable);
            }
            return {IoStatus::done, bytes};
        }
        if (got == 0) {
            return {IoStatus::closed, 0};
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            clear_ready(kReadable);
            return {IoStatus::would_block, 0};
        }
        if (errno != EINTR) {
            return {IoStatus::failed, 0};
        }
    }
}

IoResult Socket::write_some(std::span<const std::string_view> pieces) {
    if (ssl_ != nullptr) {
        return tls_write(pieces);
    }
    // Written before it is read. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    std::array<iovec, kMaxPieces> parts;
    std::size_t count = 0;
    std::size_t total = 0;
    for (const std::string_view piece : pieces) {
        if (!piece.empty() && count < parts.size()) {
            // iovec is not const-correct; sendmsg only reads.
            parts[count++] = {const_cast<char*>(piece.data()), piece.size()};
            total += piece.size();
        }
    }
    if (count == 0) {
        return {IoStatus::done, 0};
    }
    // Written before it is read. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    std::array<char, kGatherBytes> gathered;
    if (count > 1 && total <= gathered.size()) {
        char* end = gathered.data();
        for (std::size_t i = 0; i < count; ++i) {
            end = std::copy_n(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len, end);
        }
        parts[0] = {gathered.data(), total};
        count = 1;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    for (;;) {
        const ssize_t sent = count == 1
                                 ? ::send(fd_, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                                 : ::sendmsg(fd_, &message, MSG_NOSIGNAL);
        if (sent >= 0) {
            return {IoStatus::done, static_cast<std::size_t>(sent)};
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            clear_ready(kWritable);
            return {IoStatus::would_block, 0};
        }
        if (errno != EINTR) {
            return {IoStatus::failed, 0};
        }
    }
}

void Socket::use_tls(SSL* ssl) {
    ssl_ = ssl;
    SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                           SSL_MODE_RELEASE_BUFFERS);
    SSL_set_fd(ssl_, fd_);
}

IoStatus Socket::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    return result == 1 ? IoStatus::done : tls_failure(result).status;
}

IoResult Socket::tls_failure(int result) {
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ:
            clear_ready(kReadable);
            return {IoStatus::would_block, 0};
        case SSL_ERROR_WANT_WRITE:
            clear_ready(kWritable);
            return {IoStatus::would_block, 0};
        case SSL_ERROR_ZERO_RETURN:
            return {IoStatus::closed, 0};
        default:
            return {IoStatus::failed, 0};
    }
}

IoResult Socket::tls_read(char* to, std::size_t room) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_, to, room, &got);
    return result == 1 ? IoResult{IoStatus::done, got} : tls_failure(result);
}

IoResult Socket::tls_write(std::span<const std::string_view> pieces) {
    // One record instead of one a piece.
    // Written before it is read. NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    std::array<char, kRecordBytes> record;
    std::size_t used = 0;
    for (const std::string_view piece : pieces) {
        const std::size_t part =
            piece.size() < record.size() - used ? piece.size() : record.size() - used;
        piece.copy(record.data() + used, part);
        used += part;
    }
    if (used == 0) {
        return {IoStatus::done, 0};
    }
    ERR_clear_error();
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_, record.data(), used, &sent);
    return result == 1 ? IoResult{IoStatus::done, sent} : tls_failure(result);
}

bool SendQueue::send(Socket& socket, std::span<const std::string_view> pieces) {
    std::size_t gone = 0;
    if (empty()) {
        const IoResult result = socket.write_some(pieces);
        if (result.status != IoStatus::done && result.status != IoStatus::would_block) {
            return false;
        }
        gone = result.bytes;
        sent_ += gone;
    }
    for (const std::string_view piece : pieces) {
        const std::size_t cut = gone < piece.size() ? gone : piece.size();
        gone -= cut;
        if (cut < piece.size()) {
            rest_.append(piece.substr(cut));
        }
    }
    // What was taken in part may go on at once: only EAGAIN tells that the socket is full, and
    // without it no edge would come.
    return empty() || flush(socket);
}

bool SendQueue::flush(Socket& socket) {
    while (!empty()) {
        const std::string_view piece = std::string_view{rest_}.substr(at_);
        const IoResult result = socket.write_some(std::span{&piece, 1});
        if (result.status == IoStatus::would_block) {
            return true;
        }
        if (result.status != IoStatus::done) {
            return false;
        }
        at_ += result.bytes;
        sent_ += result.bytes;
    }
    // Memory of a slow moment is not kept for the rest of a long stream.
    rest_ = {};
    at_ = 0;
    return true;
}

}  // namespace headgate::proxy
