#include "proxy/net/simulator_session.h"

#include "proxy/net/body_reader.h"
#include "proxy/net/buffer.h"
#include "proxy/net/head_writer.h"
#include "proxy/net/socket.h"

#include <sys/socket.h>

#include <array>

namespace headgate::proxy {
namespace {

constexpr HeadLimits kLimits{std::size_t{64} << 10, 200};
constexpr std::size_t kMaxBody = std::size_t{64} << 20;
constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// One connection of a simulated provider.
class SimulatorSession {
public:
    SimulatorSession(Reactor& reactor, int fd, std::shared_ptr<Simulator> simulator)
        : flow_{reactor}, socket_{reactor, fd}, simulator_{std::move(simulator)} {
        socket_.attach(&flow_);
    }

    Task<void> serve() {
        while (co_await read_request()) {
            const providers::WireScript script = answer();
            if (!co_await play(script) || script.is_cut || !head_->keeps_alive) {
                co_return;
            }
        }
    }

private:
    Task<bool> read_request() {
        for (;;) {
            const ScanResult scan = scan_request_head(input_.view(), kLimits, *head_);
            if (scan.status == ScanStatus::complete) {
                co_return co_await read_body(scan.size);
            }
            if (scan.status != ScanStatus::incomplete || !co_await read_more()) {
                co_return false;
            }
        }
    }

    /// Views of the head stay valid: the body is gathered elsewhere and `input_` keeps the head.
    Task<bool> read_body(std::size_t head_size) {
        BodyReader reader = head_->is_chunked
                                ? BodyReader::chunked()
                                : BodyReader::of_length(head_->content_length.value_or(0));
        body_.clear();
        std::size_t at = head_size;
        for (;;) {
            Bytes rest = input_.view().substr(at);
            while (!rest.empty() && reader.state() == BodyReader::State::more) {
                body_.append(reader.next(rest));
            }
            at = input_.size() - rest.size();
            if (reader.state() != BodyReader::State::more || body_.size() > kMaxBody) {
                break;
            }
            if (!co_await read_more()) {
                co_return false;
            }
        }
        // The buffer may have moved while the body came.
        scan_request_head(input_.view(), kLimits, *head_);
        used_ = at;
        co_return reader.state() == BodyReader::State::end&& body_.size() <= kMaxBody;
    }

    providers::WireScript answer() {
        std::optional<providers::WireScript> script;
        if (simulator_->control) {
            script = simulator_->control(*head_, body_.view());
        }
        if (!script) {
            script = providers::answer_simulated(
                simulator_->wire, {head_->method_text, head_->path, body_.view(), head_->query},
                simulator_->behaviour, simulator_->state);
        }
        Buffer left;
        left.append(input_.view().substr(used_));
        input_ = std::move(left);
        return std::move(*script);
    }

    Task<bool> play(const providers::WireScript& script) {
        if (!co_await pause(script.before_head)) {
            co_return false;
        }
        std::array<char, 4096> memory{};
        HeadWriter head{memory};
        head.status_line(script.status);
        for (const auto& [name, value] : script.headers) {
            head.field(name, value);
        }
        if (script.is_stream) {
            head.field("transfer-encoding", "chunked");
        } else {
            // A cut answer promises more than its steps send.
            head.field("content-length", script.body().size());
        }
        std::string out{head.finish()};
        for (const providers::ScriptStep& step : script.steps) {
            if (step.wait.count() > 0) {
                if (!co_await send(out) || !co_await pause(step.wait)) {
                    co_return false;
                }
                out.clear();
            }
            if (script.is_stream && !step.bytes.empty()) {
                std::array<char, 18> size{};
                out += chunk_size_line(step.bytes.size(), size);
                out += step.bytes;
                out += "\r\n";
            } else {
                out += step.bytes;
            }
        }
        if (script.is_stream && !script.is_cut) {
            out += kLastChunk;
        }
        co_return co_await send(out);
    }

    /// False when the peer has left meanwhile.
    Task<bool> pause(std::chrono::milliseconds time) {
        if (time.count() > 0) {
            const Wake wake = co_await flow_.sleep(time, {&socket_, kGone});
            co_return wake == Wake::deadline;
        }
        co_return true;
    }

    Task<bool> send(std::string_view bytes) {
        bool is_alive = queue_.send(socket_, {&bytes, 1});
        while (is_alive && !queue_.empty()) {
            is_alive = co_await flow_.wait({&socket_, kWritable}, kNever) == Wake::ready &&
                       queue_.flush(socket_);
        }
        co_return is_alive;
    }

    Task<bool> read_more() {
        for (;;) {
            if (co_await flow_.wait({&socket_, kReadable}, kNever) != Wake::ready) {
                co_return false;
            }
            constexpr std::size_t kStep = std::size_t{16} << 10;
            const IoResult got = socket_.read_some(input_.room(kStep), kStep);
            input_.added(got.bytes);
            if (got.status != IoStatus::would_block) {
                co_return got.status == IoStatus::done;
            }
        }
    }

    Flow flow_;
    Socket socket_;
    SendQueue queue_;
    std::shared_ptr<Simulator> simulator_;
    Buffer input_;
    Buffer body_;
    std::size_t used_ = 0;
    std::unique_ptr<RequestHead> head_ = std::make_unique<RequestHead>();
};

Task<void> run(Reactor& reactor, int fd, std::shared_ptr<Simulator> simulator) {
    auto session = std::make_unique<SimulatorSession>(reactor, fd, std::move(simulator));
    co_await session->serve();
}

}  // namespace

void serve_simulated(Reactor& reactor, int fd, std::shared_ptr<Simulator> simulator) {
    start(run(reactor, fd, std::move(simulator)));
}

int open_simulated(Reactor& reactor, std::shared_ptr<Simulator> simulator) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return -1;
    }
    serve_simulated(reactor, ends[1], std::move(simulator));
    return ends[0];
}

}  // namespace headgate::proxy
