#pragma once

#include "providers/simulator/behaviour.h"
#include "providers/simulator/wire_script.h"
#include "proxy/net/http_head.h"
#include "proxy/net/reactor.h"
#include "proxy/net/task.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// A simulated provider: how it behaves, and what it has answered so far. One reactor's.
struct Simulator {
    explicit Simulator(providers::Behaviour how,
                       providers::WireFormat format = providers::WireFormat::openai)
        : behaviour{std::move(how)}, wire{format} {}

    providers::Behaviour behaviour;
    providers::WireFormat wire;
    providers::SimulatorState state;

    /// Sees each request before it is answered; an answer from here goes out instead of the
    /// simulated one (`/simulator/…`). Empty: no control paths.
    std::function<std::optional<providers::WireScript>(const RequestHead& head, Bytes body)>
        control;
};

/// Serves HTTP/1.1 on `fd` as a simulated provider until the peer leaves. Owns `fd`.
void serve_simulated(Reactor& reactor, int fd, std::shared_ptr<Simulator> simulator);

/// A connection to `simulator` inside this process: one end of a socket pair whose other end is
/// served. -1 where descriptors are out.
int open_simulated(Reactor& reactor, std::shared_ptr<Simulator> simulator);

}  // namespace headgate::proxy
