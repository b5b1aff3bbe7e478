#include "policy/store/sqlite/sqlite_error.h"

#include <sqlite3.h>

#include <string>
#include <system_error>

namespace headgate::policy {
namespace {

/// Only what the statement's own values caused. A damaged or locked file says nothing about them:
/// whoever took that for a refusal would throw rows away.
bool is_refusal(int primary) {
    return primary == SQLITE_CONSTRAINT || primary == SQLITE_TOOBIG || primary == SQLITE_MISMATCH;
}

std::string system_text(sqlite3* database) {
    const int number = sqlite3_system_errno(database);
    return number == 0 ? std::string{} : ": " + std::generic_category().message(number);
}

std::string meaning(sqlite3* database, int primary) {
    switch (primary) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "is locked by another process";
        case SQLITE_FULL:
            return "cannot grow: the disk is full";
        case SQLITE_READONLY:
            return "is read-only";
        case SQLITE_CANTOPEN:
            return "cannot be opened" + system_text(database);
        case SQLITE_IOERR:
            return "cannot be read or written" + system_text(database);
        case SQLITE_NOTADB:
            return "is not a SQLite database";
        case SQLITE_CORRUPT:
            return "is damaged: restore it, or move it away and start anew";
        default:
            return std::string("does not take this: ") + sqlite3_errmsg(database);
    }
}

}  // namespace

StoreError sqlite_error(sqlite3* database, int code) {
    const int primary = code & 0xff;  // the rest of an extended code only details it
    const char* const name = database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
    std::string text = "records database ";
    text += name == nullptr ? "" : name;
    text += ' ';
    text += meaning(database, primary);
    return {is_refusal(primary) ? StoreError::Kind::refused : StoreError::Kind::away,
            std::move(text)};
}

}  // namespace headgate::policy
