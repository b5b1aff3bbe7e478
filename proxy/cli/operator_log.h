#pragma once

#include "policy/config/snapshot.h"

#include <memory>
#include <string_view>

namespace headgate::proxy {

/// The operator's log on stderr: one JSON object or one line of text a message. Thread-safe.
class OperatorLog {
public:
    /// `format` is "json", "text", or empty: text on a terminal, else JSON.
    explicit OperatorLog(std::string_view format);
    ~OperatorLog();

    void set_level(policy::LogLevel level);
    void write(policy::LogLevel level, std::string_view message);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::proxy
