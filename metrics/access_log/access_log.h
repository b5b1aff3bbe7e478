#pragma once

#include "policy/ledger/row.h"
#include "providers/base/clock.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::metrics {

/// Where access lines go: one a process, shared by the workers' buffers. Thread-safe.
///
/// Invariants: 1. Lines of different batches never mix: a batch is written under one lock, and the
/// rest of a line that the sink took in part goes out before anything else. 2. A reader that stands
/// still never stops a worker: pipes, terminals and sockets are written without waiting. Only where
/// the system does not let us open our own way to a pipe of stderr does a write wait.
/// The process must ignore SIGPIPE.
class AccessLog {
public:
    /// `where` as the policy's `log.access` spells it: "stderr", "none", or a file, which is made
    /// with mode 0640 where it does not exist and appended to. The error is a text fit to show.
    static std::expected<std::unique_ptr<AccessLog>, std::string> open(std::string_view where);

    ~AccessLog();
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    /// False for "none": nothing needs to be formatted.
    bool is_on() const { return fd_ >= 0; }

    struct Written {
        std::size_t taken = 0;    // bytes that need not be kept: whole lines from the front
        bool has_failed = false;  // an error that waiting does not heal; false: just full
    };
    /// Writes whole lines, each with its newline: one write(2) where the sink takes it all.
    Written write(std::string_view lines);

    /// Opens the file of that name anew, after it was moved away. On failure the old one stays in
    /// use. No effect on stderr and none.
    std::expected<void, std::string> reopen();

private:
    AccessLog(int fd, std::string path, bool is_socket);

    long drain_tail();
    long write_once(std::string_view bytes) const;

    std::mutex mutex_;  // taken once a batch, not once a line
    int fd_;            // -1: none. The number never changes: reopen() replaces what it stands for
    std::string path_;  // empty: not a file
    bool is_socket_;
    std::string tail_;  // the rest of a line whose beginning has been written
};

/// One worker's lines on their way to the log. Not thread-safe.
class AccessBuffer {
public:
    /// A batch is written at this size, or when its first line has waited for kMaxWait.
    static constexpr std::size_t kBatchBytes = std::size_t{64} * 1024;
    static constexpr std::chrono::seconds kMaxWait{1};
    /// Held at most while the sink takes nothing; lines beyond are dropped and counted.
    static constexpr std::size_t kMaxHeldBytes = std::size_t{1024} * 1024;

    explicit AccessBuffer(std::shared_ptr<AccessLog> log);
    /// Writes what is left.
    ~AccessBuffer();
    AccessBuffer(const AccessBuffer&) = delete;
    AccessBuffer& operator=(const AccessBuffer&) = delete;

    /// Formats the row as one line. Writes only where a batch is full.
    void append(const policy::LedgerRow& row);

    /// To be called by the worker's tick. The wait of a batch counts from the first call that
    /// finds a line in it.
    void flush_if_due(providers::SteadyTime now);

    /// Writes what is held. What a full sink does not take stays for the next time; what a failing
    /// one does not take is dropped.
    void flush();

    /// Lines go to `log` from now on; so do those that the one before has not taken.
    void write_to(std::shared_ptr<AccessLog> log);

    /// Lines lost since the start.
    std::uint64_t dropped() const { return dropped_; }

private:
    std::shared_ptr<AccessLog> log_;
    std::string lines_;
    std::optional<providers::SteadyTime> waits_since_;
    bool is_sink_full_ = false;  // it took less than all: no attempt before the next due time
    std::uint64_t dropped_ = 0;
};

}  // namespace headgate::metrics
