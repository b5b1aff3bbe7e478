#pragma once

#include "proxy/net/buffer.h"
#include "proxy/net/http_head.h"
#include "proxy/net/reactor.h"
#include "proxy/net/socket.h"
#include "proxy/net/task.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headgate::proxy {

class Worker;

/// One connection of a client, from accept to close: reads heads, one after another, and hands each
/// to an Exchange. While it waits for a request it holds no buffer.
class ClientSession {
public:
    /// Owns `fd`. Starts itself and ends by itself.
    static void serve(Worker& worker, int fd, std::string peer);

    ClientSession(const ClientSession&) = delete;
    ClientSession& operator=(const ClientSession&) = delete;
    ~ClientSession();

    Worker& worker() { return worker_; }
    Flow& flow() { return flow_; }
    Socket& socket() { return socket_; }
    SendQueue& queue() { return queue_; }
    const std::string& peer() const { return place_.peer; }
    std::uint64_t bytes_read() const { return bytes_read_; }

    /// Reads into `to`; counts. `closed`, `failed` and time-outs end the connection.
    IoResult read_some(char* to, std::size_t room);
    /// Sends the pieces and waits until the socket has taken them all, at most until `until`. False
    /// when the client has gone.
    Task<bool> send(std::span<const std::string_view> pieces, Tick until);
    /// Bytes behind the request that is being served.
    void keep_for_later(std::string_view rest) { held_.append(rest); }

    /// Whether a drain may close it: it waits for a request, and not for the first one of a client
    /// that has only just come.
    bool may_be_closed() const;

private:
    ClientSession(Worker& worker, int fd, std::string peer);

    static Task<void> run(Worker& worker, int fd, std::string peer);
    Task<void> serve_requests();
    /// True when a request's head stands in the worker's scratch; `rest` is what came behind it.
    Task<bool> read_head(std::string_view& rest);
    ScanResult scan_held(std::size_t fresh, std::string_view& rest);
    Task<void> refuse_head(int status, std::string_view problem);
    /// Lets the client read our last answer although it is still sending (RFC 9112 §9.6).
    Task<void> linger();

    /// Gives the connection's place back, also where the constructor fails half-way.
    struct Place {
        Worker& worker;
        std::string peer;
        ~Place();
    };

    Worker& worker_;
    Place place_;
    Flow flow_;
    Socket socket_;
    SendQueue queue_;
    Buffer held_;  // bytes that came and were not used yet
    std::uint64_t bytes_read_ = 0;
    Tick patient_until_;  // with the first request
    bool is_idle_ = false;
    bool is_first_ = true;
};

}  // namespace headgate::proxy
