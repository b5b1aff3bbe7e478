#include "tests/conformance/records/postgres_fixture.h"

#include "policy/store/postgres/connection.h"

#include <stdexcept>

namespace headgate::policy {

struct LedgerLock::Session {
    PgConnection connection;
};

LedgerLock::LedgerLock(const std::string& uri) {
    Stored<PgConnection> opened =
        PgConnection::open(*pg_options_from(uri), std::chrono::seconds{10});
    if (!opened) {
        throw std::runtime_error(opened.error().text);
    }
    session_ = std::make_unique<Session>(std::move(*opened));
    const PgAnswer locked =
        session_->connection.command("BEGIN; LOCK TABLE ledger IN EXCLUSIVE MODE");
    if (!locked) {
        throw std::runtime_error(locked.error().error.text);
    }
}

LedgerLock::~LedgerLock() = default;  // the server rolls back what its client leaves

}  // namespace headgate::policy
