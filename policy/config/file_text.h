#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace headgate::policy {

/// The whole content of a regular file of at most `max_bytes`. Pipes and devices are refused, so
/// that reading never waits. The error says what is wrong, without the path: "does not exist".
std::expected<std::string, std::string> read_file_text(const std::string& path,
                                                       std::size_t max_bytes);

}  // namespace headgate::policy
