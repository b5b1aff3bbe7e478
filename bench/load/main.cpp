#include "bench/load/load_run.h"
#include "bench/wire/arguments.h"
#include "bench/wire/sockets.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace headgate::bench {
namespace {

constexpr std::array<std::string_view, 9> kOptions{"kind",   "target", "count", "at-once", "events",
                                                   "spread", "limit",  "body",  "key"};

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::invalid_argument("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string make_request(const Arguments& arguments) {
    const std::string body = read_file(arguments.text("body", ""));
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: " + arguments.text("target", "") +
           "\r\nAuthorization: Bearer " + arguments.text("key", "none") +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

LoadSettings settings_from(const Arguments& arguments) {
    LoadSettings settings;
    const std::string kind = arguments.text("kind", "streams");
    if (kind != "streams" && kind != "idle") {
        throw std::invalid_argument("--kind is streams or idle");
    }
    settings.kind = kind == "idle" ? LoadSettings::Kind::idle : LoadSettings::Kind::streams;
    settings.target = parse_address(arguments.text("target", ""));
    settings.request = make_request(arguments);
    settings.count = arguments.count("count", settings.count);
    settings.at_once = std::max<std::size_t>(1, arguments.count("at-once", settings.count));
    settings.words = arguments.count("events", settings.words);
    settings.spread = arguments.duration("spread", settings.spread);
    settings.limit = arguments.duration("limit", settings.limit);
    settings.release = STDIN_FILENO;
    return settings;
}

/// Nearest rank, in milliseconds; 0 where nothing was measured.
double quantile_ms(const std::vector<std::chrono::microseconds>& sorted, double share) {
    if (sorted.empty()) {
        return 0;
    }
    const auto last = static_cast<double>(sorted.size() - 1);
    const auto rank = static_cast<std::size_t>(share * last + 0.5);
    return static_cast<double>(sorted[rank].count()) / 1000;
}

std::string quoted(std::string_view text) {
    std::string json = "\"";
    for (const char letter : text) {
        const bool is_plain = letter >= ' ' && letter <= '~' && letter != '"' && letter != '\\';
        json += is_plain ? letter : '?';
    }
    return json + '"';
}

void print(const LoadResult& result) {
    std::cout << R"({"event":"result","complete":)" << result.complete << R"(,"failed":)"
              << result.failed << R"(,"lost":)" << result.lost << R"(,"events":)" << result.events
              << R"(,"first_ms":{"p50":)" << quantile_ms(result.first, 0.5) << R"(,"p99":)"
              << quantile_ms(result.first, 0.99) << R"(,"max":)" << quantile_ms(result.first, 1)
              << R"(},"gap_ms":{"p50":)" << quantile_ms(result.gaps, 0.5) << R"(,"p99":)"
              << quantile_ms(result.gaps, 0.99) << R"(},"first_failure":)"
              << quoted(result.first_failure) << "}" << std::endl;
}

}  // namespace
}  // namespace headgate::bench

/// bench_load --kind streams|idle --target 127.0.0.1:8080 --body FILE [--key KEY] [--count 1000]
///            [--at-once N] [--events 50] [--spread 100ms] [--limit 60s]
/// Prints {"event":"live"} when all connections have their first event (idle: their answer), then
/// {"event":"result",…}. `idle` holds its connections until standard input ends.
/// Exit: 0 all complete, 1 something failed, 2 bad usage or no sockets.
int main(int count, char** words) {
    using namespace headgate::bench;
    try {
        const Arguments arguments({words + 1, static_cast<std::size_t>(count - 1)}, kOptions);
        LoadRun load(settings_from(arguments));
        const LoadResult result = load.run([] { std::cout << R"({"event":"live"})" << std::endl; });
        print(result);
        return result.failed == 0 && result.lost == 0 ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << "bench_load: " << error.what() << '\n';
        return 2;
    }
}
