#include "proxy/cli/operator_log.h"

#include "providers/contract/api_error.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>

namespace headgate::proxy {
namespace {

spdlog::level::level_enum spdlog_level(policy::LogLevel level) {
    switch (level) {
        case policy::LogLevel::trace:
            return spdlog::level::trace;
        case policy::LogLevel::debug:
            return spdlog::level::debug;
        case policy::LogLevel::info:
            return spdlog::level::info;
        case policy::LogLevel::warn:
            return spdlog::level::warn;
        case policy::LogLevel::error:
            break;
    }
    return spdlog::level::err;
}

}  // namespace

struct OperatorLog::Impl {
    spdlog::logger logger{"headgate", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    bool is_json = true;
};

OperatorLog::OperatorLog(std::string_view format) : impl_{std::make_unique<Impl>()} {
    impl_->is_json = format == "json" || (format.empty() && ::isatty(STDERR_FILENO) == 0);
    impl_->logger.set_pattern(
        impl_->is_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})"
                       : "%Y-%m-%d %H:%M:%S.%e %-5l %v",
        impl_->is_json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
}

OperatorLog::~OperatorLog() = default;

void OperatorLog::set_level(policy::LogLevel level) {
    impl_->logger.set_level(spdlog_level(level));
}

void OperatorLog::write(policy::LogLevel level, std::string_view message) {
    // A message may quote what a provider sent: in neither form may that end a line.
    std::string safe;
    if (impl_->is_json) {
        providers::append_json_escaped(safe, message);
    } else {
        safe = message;
        std::ranges::replace_if(safe, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    }
    impl_->logger.log(spdlog_level(level), safe);
}

}  // namespace headgate::proxy
