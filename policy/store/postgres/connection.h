#pragma once

#include "policy/ledger/record_store.h"
#include "policy/store/postgres/connect_options.h"
#include "policy/store/postgres/failure.h"
#include "policy/store/postgres/params.h"
#include "policy/store/postgres/result.h"

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;

namespace headgate::policy {

/// One statement of ours: a constant text, prepared under its name on first use.
struct PgStatement {
    const char* name;
    const char* sql;
};

using PgAnswer = std::expected<PgResult, PgFailure>;

/// A connection that never waits for good: every call has a deadline of its own, beside the
/// server's statement_timeout, so that a server that is stopped, or a network that swallows bytes,
/// is noticed. Used by one thread. After a failure that is not `is_connection_usable` it is to be
/// destroyed.
class PgConnection {
public:
    /// Tries the hosts in order; each has an equal share of what is left of `wait`. Names are
    /// resolved by the system's resolver, whose own time-outs come on top.
    static Stored<PgConnection> open(const std::vector<PgOptions>& hosts,
                                     std::chrono::milliseconds wait);

    /// False where the server has ended the connection while nothing was asked of it.
    bool is_alive();

    /// Runs one statement; outside of a transaction it is one.
    PgAnswer run(const PgStatement& statement, const PgParams& params);
    /// Runs a constant text of one or more statements, unprepared; the last one's result.
    PgAnswer command(const char* sql);

    /// How long a call waits for its answer.
    void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

private:
    struct Finish {
        void operator()(pg_conn* connection) const;
    };
    using Handle = std::unique_ptr<pg_conn, Finish>;
    using Deadline = std::chrono::steady_clock::time_point;

    explicit PgConnection(Handle handle) : handle_{std::move(handle)} {}

    static Stored<Handle> connect(const PgOptions& host, Deadline deadline);
    PgAnswer prepare(const PgStatement& statement);
    PgAnswer answer();
    bool send_all(Deadline deadline);
    bool await_result(Deadline deadline);
    PgFailure not_sent() const;

    Handle handle_;
    std::vector<std::string_view> prepared_;
    std::chrono::milliseconds patience_{8000};
};

}  // namespace headgate::policy
