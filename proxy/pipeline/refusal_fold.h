#pragma once

#include "policy/ledger/row.h"
#include "providers/base/clock.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace headgate::proxy {

/// Keeps a client that runs into its limits from filling the ledger: refusals of one project beyond
/// `most` a second (by when they were told) become one row with their count (docs/operations.md,
/// The ledger). One a worker.
class RefusalFold {
public:
    /// `book` gets an encoded row.
    RefusalFold(std::size_t most, std::function<void(std::string_view)> book)
        : most_{most}, book_{std::move(book)} {}

    /// True where the row was folded; else the caller books it.
    bool absorb(const policy::LedgerRow& row, providers::WallTime now);
    /// Books what was folded in seconds that are over. Once a tick, and at the end.
    void flush(providers::WallTime now);
    void flush_all();

private:
    struct Folded {
        std::chrono::sys_seconds second;
        std::size_t seen = 0;
        std::int64_t count = 0;  // in `row`
        std::string row;         // the first that was folded, encoded
    };

    void book(Folded& folded);

    std::size_t most_;
    std::function<void(std::string_view)> book_;
    std::unordered_map<std::string, Folded> by_project_;
};

}  // namespace headgate::proxy
