#pragma once

#include "policy/config/snapshot.h"
#include "policy/ledger/record_store.h"
#include "policy/store/journal/journal.h"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// Books what the journals of ended processes left behind. Rows go down as those of the journal
/// that wrote them: a Redis that processes share counts what each journal has spent.
class ReplayBooking {
public:
    using Log = std::function<void(policy::LogLevel, std::string_view)>;
    /// Told for each exchange that was booked in full because it never settled.
    using Expired = std::function<void(std::string_view project)>;

    /// All must outlive it.
    ReplayBooking(policy::RecordStore& store, const Log& log, const Expired& expired)
        : store_{store}, log_{log}, expired_{expired} {}

    /// Idempotent: after a failure the whole replay may be booked again. What is damaged, or what
    /// the store will never take, is told and left out.
    policy::Stored<void> book(const policy::JournalReplay& replay);

private:
    policy::Stored<void> book_rows(std::span<const std::string> encoded, std::string_view instance);
    policy::Stored<void> append(std::span<const policy::LedgerRow> rows, std::string_view instance);

    policy::RecordStore& store_;
    const Log& log_;
    const Expired& expired_;
    std::size_t lost_ = 0;
};

}  // namespace headgate::proxy
