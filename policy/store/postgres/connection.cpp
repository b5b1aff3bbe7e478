#include "policy/store/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace headgate::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kNoAnswer = "no answer in time";

/// True where the socket became ready, or an error waits on it; false where the time is up.
bool await_socket(int socket, short events, steady_clock::time_point deadline) {
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        pollfd waited{.fd = socket, .events = events, .revents = 0};
        const int count = poll(&waited, 1, static_cast<int>(std::clamp<long>(left, 0, 3'600'000)));
        if (count >= 0) {
            return count > 0;
        }
        if (errno != EINTR) {
            return false;
        }
    }
}

StoreError no_connection(pg_conn* connection, const char* why) {
    std::string text = why;
    if (text.empty()) {
        text = PQerrorMessage(connection);
    } else if (const char* host = PQhost(connection); host != nullptr && *host != '\0') {
        text =
            "connection to \"" + std::string{host} + "\", port " + PQport(connection) + ": " + why;
    }
    return {.kind = StoreError::Kind::away, .text = pg_error_text(text)};
}

/// The message's detail and context stay out: they may quote rows.
PgFailure failure_of(const pg_result* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return pg_failure_from(state == nullptr ? "" : state,
                           primary == nullptr ? PQresultErrorMessage(result) : primary);
}

}  // namespace

void PgConnection::Finish::operator()(pg_conn* connection) const {
    PQfinish(connection);
}

Stored<PgConnection::Handle> PgConnection::connect(const PgOptions& host, Deadline deadline) {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : host) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);

    Handle handle{PQconnectStartParams(keywords.data(), values.data(), 0)};
    if (!handle) {
        return std::unexpected(StoreError{.text = pg_error_text("out of memory")});
    }
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (PQstatus(handle.get()) != CONNECTION_BAD && step != PGRES_POLLING_OK) {
        if (step == PGRES_POLLING_FAILED) {
            break;
        }
        const short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!await_socket(PQsocket(handle.get()), events, deadline)) {
            return std::unexpected(no_connection(handle.get(), kNoAnswer));
        }
        step = PQconnectPoll(handle.get());
    }
    if (PQstatus(handle.get()) != CONNECTION_OK || PQsetnonblocking(handle.get(), 1) != 0) {
        return std::unexpected(no_connection(handle.get(), ""));
    }
    // What the server tells beside its answers is not for our standard error.
    PQsetNoticeProcessor(handle.get(), [](void*, const char*) {}, nullptr);
    return handle;
}

Stored<PgConnection> PgConnection::open(const std::vector<PgOptions>& hosts, milliseconds wait) {
    const Deadline end = steady_clock::now() + wait;
    StoreError error{.text = pg_error_text("no host")};
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        const auto now = steady_clock::now();
        const Deadline share = now + (end - now) / static_cast<std::int64_t>(hosts.size() - i);
        Stored<Handle> handle = connect(hosts[i], share);
        if (handle) {
            return PgConnection{std::move(*handle)};
        }
        error = std::move(handle.error());
    }
    return std::unexpected(std::move(error));
}

bool PgConnection::is_alive() {
    // Readable though nothing was asked: a notice, or a last word and the end of the stream.
    while (PQstatus(handle_.get()) == CONNECTION_OK &&
           await_socket(PQsocket(handle_.get()), POLLIN, steady_clock::now())) {
        if (PQconsumeInput(handle_.get()) == 0) {
            return false;
        }
    }
    return PQstatus(handle_.get()) == CONNECTION_OK;
}

PgFailure PgConnection::not_sent() const {
    return pg_broken(PQerrorMessage(handle_.get()));
}

/// False: the time is up. Reads while it writes: a server that tells something and is not listened
/// to stops reading. A connection that breaks is left to PQgetResult, which may have the server's
/// last word on it.
bool PgConnection::send_all(Deadline deadline) {
    while (PQflush(handle_.get()) == 1) {
        if (!await_socket(PQsocket(handle_.get()), POLLIN | POLLOUT, deadline)) {
            return false;
        }
        if (PQconsumeInput(handle_.get()) == 0) {
            return true;
        }
    }
    return true;
}

/// False: the time is up.
bool PgConnection::await_result(Deadline deadline) {
    while (PQisBusy(handle_.get()) != 0) {
        if (!await_socket(PQsocket(handle_.get()), POLLIN, deadline)) {
            return false;
        }
        if (PQconsumeInput(handle_.get()) == 0) {
            return true;
        }
    }
    return true;
}

/// The answer to what was sent: the last result of a script, or its first error.
PgAnswer PgConnection::answer() {
    const Deadline deadline = steady_clock::now() + patience_;
    if (!send_all(deadline)) {
        return std::unexpected(pg_broken(kNoAnswer));
    }
    PgAnswer last = std::unexpected(pg_broken("no result"));
    bool has_failed = false;
    while (true) {
        if (!await_result(deadline)) {
            return std::unexpected(pg_broken(kNoAnswer));
        }
        pg_result* result = PQgetResult(handle_.get());
        if (result == nullptr) {
            break;
        }
        PgResult owned{result};
        const ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
            if (!has_failed) {
                last = std::move(owned);
            }
            continue;
        }
        if (!has_failed) {
            last = std::unexpected(failure_of(result));
        }
        has_failed = true;
        if (status != PGRES_FATAL_ERROR) {
            return last;  // COPY or a pipeline, which nothing of ours begins
        }
    }
    return last;
}

PgAnswer PgConnection::prepare(const PgStatement& statement) {
    if (PQsendPrepare(handle_.get(), statement.name, statement.sql, 0, nullptr) == 0) {
        return std::unexpected(not_sent());
    }
    PgAnswer prepared = answer();
    if (prepared) {
        prepared_.emplace_back(statement.name);
    }
    return prepared;
}

PgAnswer PgConnection::run(const PgStatement& statement, const PgParams& params) {
    if (std::ranges::find(prepared_, statement.name) == prepared_.end()) {
        if (PgAnswer prepared = prepare(statement); !prepared) {
            return prepared;
        }
    }
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const PgParams::Value& value : params.values()) {
        values.push_back(value.is_null ? nullptr : params.bytes() + value.offset);
        lengths.push_back(static_cast<int>(value.bytes));
    }
    const std::vector<int> binary(values.size(), 1);
    if (PQsendQueryPrepared(handle_.get(), statement.name, static_cast<int>(values.size()),
                            values.data(), lengths.data(), binary.data(), 0) == 0) {
        return std::unexpected(not_sent());
    }
    return answer();
}

PgAnswer PgConnection::command(const char* sql) {
    if (PQsendQuery(handle_.get(), sql) == 0) {
        return std::unexpected(not_sent());
    }
    return answer();
}

}  // namespace headgate::policy
