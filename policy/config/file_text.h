#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace headgate::policy {

/// Which file it is, by whatever path it was opened.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t number = 0;

    friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

/// A file as it was read.
struct FileText {
    std::string text;
    FileIdentity identity;
    bool others_may_read = false;  // every user of the machine (mode 0004)
};

/// The whole content of a regular file of at most `max_bytes`. Pipes and devices are refused, so
/// that reading never waits. The error says what is wrong, without the path: "does not exist".
std::expected<FileText, std::string> read_file(const std::string& path, std::size_t max_bytes);

/// The content alone.
std::expected<std::string, std::string> read_file_text(const std::string& path,
                                                       std::size_t max_bytes);

}  // namespace headgate::policy
