#include "policy/config/scalars.h"
#include "providers/contract/api_error.h"
#include "providers/contract/json_reader.h"
#include "proxy/cli/behaviour_text.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/version.h"
#include "proxy/net/listener.h"
#include "proxy/net/simulator_session.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <deque>
#include <thread>

namespace headgate::proxy {
namespace {

using providers::WireScript;

constexpr std::size_t kMaxRecorded = 1000;
constexpr std::size_t kMaxRecordedBytes = std::size_t{16} << 20;

WireScript json_script(int status, std::string body) {
    WireScript script;
    script.status = status;
    script.headers.emplace_back("content-type", "application/json");
    script.steps.push_back({std::chrono::milliseconds{0}, std::move(body)});
    return script;
}

/// What the provider received, the latest kMaxRecorded: GET /simulator/requests.
class Recorder {
public:
    void add(const RequestHead& head, Bytes body) {
        std::string entry = R"({"method":")";
        providers::append_json_escaped(entry, head.method_text);
        entry += R"(","path":")";
        providers::append_json_escaped(entry, head.path);
        entry += R"(","query":")";
        providers::append_json_escaped(entry, head.query);
        entry += R"(","headers":[)";
        for (const HeadField& field : head.fields) {
            entry += entry.back() == '[' ? "[\"" : ",[\"";
            providers::append_json_escaped(entry, field.name);
            entry += "\",\"";
            providers::append_json_escaped(entry, field.value);
            entry += "\"]";
        }
        entry += R"(],"body":")";
        providers::append_json_escaped(entry, body);
        entry += "\"}";
        bytes_ += entry.size();
        entries_.push_back(std::move(entry));
        while (entries_.size() > kMaxRecorded || bytes_ > kMaxRecordedBytes) {
            bytes_ -= entries_.front().size();
            entries_.pop_front();
        }
    }

    std::string list() const {
        std::string out = R"({"data":[)";
        for (const std::string& entry : entries_) {
            out += out.back() == '[' ? "" : ",";
            out += entry;
        }
        return out + "]}";
    }

    void clear() {
        entries_.clear();
        bytes_ = 0;
    }

private:
    std::deque<std::string> entries_;
    std::size_t bytes_ = 0;
};

WireScript change_behaviour(Simulator& simulator, Bytes body) {
    auto changed = behaviour_from_json(body, simulator.behaviour);
    if (!changed) {
        return json_script(
            400,
            providers::to_json({providers::ErrorCode::invalid_request, changed.error(), {}, {}}));
    }
    simulator.behaviour = std::move(*changed);
    return json_script(200, behaviour_to_json(simulator.behaviour));
}

/// The paths under /simulator/; everything else is recorded and simulated.
std::optional<WireScript> control(Simulator& simulator,
                                  Recorder& recorder,
                                  const RequestHead& head,
                                  Bytes body) {
    using providers::Method;
    if (head.path == "/simulator/behaviour" && head.method == Method::post) {
        return change_behaviour(simulator, body);
    }
    if (head.path == "/simulator/behaviour" && head.method == Method::get) {
        return json_script(200, behaviour_to_json(simulator.behaviour));
    }
    if (head.path == "/simulator/requests" && head.method == Method::get) {
        return json_script(200, recorder.list());
    }
    if (head.path == "/simulator/requests" && head.method == Method::del) {
        recorder.clear();
        return json_script(200, R"({"data":[]})");
    }
    if (head.path.starts_with("/simulator/")) {
        return json_script(
            404, providers::to_json(
                     {providers::ErrorCode::unknown_url,
                      "The simulator knows POST /simulator/behaviour and GET /simulator/requests.",
                      {},
                      {}}));
    }
    recorder.add(head, body);
    return std::nullopt;
}

}  // namespace

int simulate(const SimulateOptions& options) {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    const auto behaviour = behaviour_from_options(options);
    const auto address = policy::parse_listen_address(options.listen);
    if (!behaviour || !address) {
        std::fprintf(stderr, "headgate simulate: %s\n",
                     (behaviour ? address.error() : behaviour.error()).c_str());
        return 2;
    }
    auto bound = bind_address(*address, 1, Sharing::alone);
    if (!bound) {
        std::fprintf(stderr, "headgate: %s\n", bound.error().c_str());
        return 1;
    }
    Reactor reactor;
    using providers::WireFormat;
    const bool is_azure = options.wire == to_string(WireFormat::azure);
    auto simulator =
        std::make_shared<Simulator>(*behaviour, is_azure ? WireFormat::azure : WireFormat::openai);
    Recorder recorder;
    simulator->control = [&](const RequestHead& head, Bytes body) {
        return control(*simulator, recorder, head, body);
    };
    auto listener = std::make_unique<Listener>(
        reactor, bound->fds.front(), bound->is_unix,
        [&](int fd, const std::string&) { serve_simulated(reactor, fd, simulator); });
    std::thread loop{[&reactor] { reactor.run(); }};
    std::printf("{\"event\":\"ready\",\"listen\":[\"%s\"],\"admin\":[],\"version\":\"%s\"}\n",
                bound->name.c_str(), build_info().version.c_str());
    std::fflush(stdout);
    int signal = 0;
    ::sigwait(&signals, &signal);
    reactor.post([&] {
        listener.reset();
        reactor.cancel_all();
        reactor.stop();
    });
    loop.join();
    if (!address->unix_path.empty()) {
        std::remove(address->unix_path.c_str());
    }
    return 0;
}

}  // namespace headgate::proxy
