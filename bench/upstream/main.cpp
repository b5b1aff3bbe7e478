#include "bench/upstream/server.h"
#include "bench/wire/arguments.h"
#include "bench/wire/sockets.h"

#include <array>
#include <exception>
#include <iostream>
#include <span>
#include <string_view>

namespace {

constexpr std::array<std::string_view, 5> kOptions{"listen", "delay", "events", "interval",
                                                   "out-of-order"};

}  // namespace

/// bench_upstream --listen 127.0.0.1:9000 [--delay 50ms] [--events 50] [--interval 100ms]
/// [--out-of-order yes]
int main(int count, char** words) {
    using namespace headgate::bench;
    try {
        const Arguments arguments({words + 1, static_cast<std::size_t>(count - 1)}, kOptions);
        UpstreamSettings settings;
        settings.listen = parse_address(arguments.text("listen", "127.0.0.1:0"));
        settings.delay = arguments.duration("delay", settings.delay);
        settings.interval = arguments.duration("interval", settings.interval);
        settings.words = arguments.count("events", settings.words);
        settings.is_out_of_order = arguments.text("out-of-order", "no") == "yes";
        UpstreamServer server(settings);
        std::cout << R"({"event":"ready","port":)" << server.port() << "}" << std::endl;
        server.run();
    } catch (const std::exception& error) {
        std::cerr << "bench_upstream: " << error.what() << '\n';
        return 1;
    }
}
