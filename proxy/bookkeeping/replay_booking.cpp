#include "proxy/bookkeeping/replay_booking.h"

#include "policy/ledger/row_codec.h"

#include <algorithm>
#include <vector>

namespace headgate::proxy {
namespace {

using policy::LogLevel;
using policy::Stored;
using policy::StoreError;

constexpr std::size_t kBatch = 1000;

}  // namespace

Stored<void> ReplayBooking::book(const policy::JournalReplay& replay) {
    lost_ = replay.damaged;
    auto settled = std::span{replay.settled};
    auto open = std::span{replay.open};
    for (const policy::JournalReplay::Part& part : replay.parts) {
        for (const auto rows : {settled.first(part.settled), open.first(part.open)}) {
            if (auto booked = book_rows(rows, part.instance); !booked) {
                return booked;
            }
        }
        settled = settled.subspan(part.settled);
        open = open.subspan(part.open);
    }
    if (!replay.settled.empty() || !replay.open.empty() || lost_ > 0) {
        log_(lost_ > 0 ? LogLevel::error : LogLevel::warn,
             "the journal of a process that did not end cleanly was read: " +
                 std::to_string(replay.settled.size()) + " rows stored, " +
                 std::to_string(replay.open.size()) +
                 " open exchanges booked as the journal last knew them, " + std::to_string(lost_) +
                 " records damaged and lost");
    }
    return {};
}

Stored<void> ReplayBooking::book_rows(std::span<const std::string> encoded,
                                      std::string_view instance) {
    while (!encoded.empty()) {
        const std::size_t count = std::min(encoded.size(), kBatch);
        std::vector<policy::LedgerRow> rows;
        for (const std::string& bytes : encoded.first(count)) {
            if (auto row = policy::decode_row(bytes)) {
                rows.push_back(std::move(*row));
            } else {
                ++lost_;
            }
        }
        if (auto stored = append(rows, instance); !stored) {
            return stored;
        }
        for (const policy::LedgerRow& row : rows) {
            if (row.outcome == policy::Outcome::expired) {
                expired_(row.project);
            }
        }
        encoded = encoded.subspan(count);
    }
    return {};
}

/// A row that the store will never take is found by halving, so that the others go down.
Stored<void> ReplayBooking::append(std::span<const policy::LedgerRow> rows,
                                   std::string_view instance) {
    auto stored = store_.append(rows, instance);
    if (stored || stored.error().kind == StoreError::Kind::away) {
        return stored;
    }
    if (rows.size() == 1) {
        ++lost_;
        log_(LogLevel::error, "the record store refused the row of " +
                                  std::string{rows.front().id} + ": " + stored.error().text);
        return {};
    }
    const std::size_t middle = rows.size() / 2;
    for (const auto half : {rows.first(middle), rows.subspan(middle)}) {
        if (auto more = append(half, instance); !more) {
            return more;
        }
    }
    return {};
}

}  // namespace headgate::proxy
