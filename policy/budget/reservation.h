#pragma once

#include "policy/ledger/row.h"

namespace headgate::policy {

/// Where settled rows go: the access log and the counters today, the journal later.
class Ledger {
public:
    virtual ~Ledger() = default;
    virtual void book(const LedgerRow& row) noexcept = 0;
    /// A reservation ended without being settled: a bug that must be seen.
    virtual void count_unsettled() noexcept = 0;
};

/// What an exchange owes the ledger, from the moment that its project is known: exactly one row.
///
/// Invariants: 1. The row is booked once, by settle() or, where that was forgotten or an exception
/// passed, by the destructor, then with outcome `error`. 2. `ledger` and `row` outlive it.
class Reservation {
public:
    Reservation(Ledger& ledger, LedgerRow& row) : ledger_{&ledger}, row_{&row} {}
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation() {
        if (ledger_ != nullptr) {
            row_->outcome = Outcome::error;
            ledger_->count_unsettled();
            settle();
        }
    }

    void settle() noexcept {
        if (ledger_ != nullptr) {
            ledger_->book(*row_);
            ledger_ = nullptr;
        }
    }

private:
    Ledger* ledger_;
    LedgerRow* row_;
};

}  // namespace headgate::policy
