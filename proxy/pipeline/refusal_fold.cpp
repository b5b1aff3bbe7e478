#include "proxy/pipeline/refusal_fold.h"

#include "policy/ledger/row_codec.h"

#include <array>
#include <span>
#include <vector>

namespace headgate::proxy {

bool RefusalFold::absorb(const policy::LedgerRow& row, providers::WallTime now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    Folded& folded = by_project_[std::string{row.project}];
    if (folded.second != second) {
        book(folded);
        folded = {};
        folded.second = second;
    }
    if (++folded.seen <= most_) {
        return false;
    }
    if (folded.count++ == 0) {
        std::vector<char> room(policy::kMaxEncodedRow);
        folded.row.assign(room.data(), policy::encode_row(row, room));
    }
    return true;
}

void RefusalFold::book(Folded& folded) {
    if (folded.count == 0) {
        return;
    }
    auto row = policy::decode_row(folded.row);
    if (row) {
        row->count = folded.count;
        std::vector<char> room(policy::kMaxEncodedRow);
        book_({room.data(), policy::encode_row(*row, room)});
    }
    folded.count = 0;
}

void RefusalFold::flush(providers::WallTime now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    for (auto entry = by_project_.begin(); entry != by_project_.end();) {
        if (entry->second.second == second) {
            ++entry;
            continue;
        }
        book(entry->second);
        entry = by_project_.erase(entry);
    }
}

void RefusalFold::flush_all() {
    for (auto& [project, folded] : by_project_) {
        book(folded);
    }
    by_project_.clear();
}

}  // namespace headgate::proxy
