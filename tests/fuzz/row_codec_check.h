#pragma once

#include "policy/ledger/row_codec.h"
#include "tests/fuzz/oracle.h"

#include <string>
#include <string_view>

namespace headgate::fuzz {

/// Bytes that are a row have one reading, and it is written as they are.
inline void check_row_codec(std::string_view bytes) {
    const std::string copy{bytes};  // its end is the end of an allocation
    const auto row = policy::decode_row(copy);
    const std::string_view id = policy::encoded_row_id(copy);
    require(is_inside(id, copy), "an id is inside its row");
    if (!row) {
        require(!row.error().empty(), "a refusal says why");
        return;
    }
    require(row->id == id, "the id alone is the id of the row");
    require(is_inside(row->client_request_id, copy), "a text is inside its row");
    if (copy.size() > policy::kMaxEncodedRow) {
        return;
    }
    std::string written(policy::kMaxEncodedRow, '\0');
    written.resize(policy::encode_row(*row, written));
    // A status or a first byte that is flagged as absent is not kept.
    const auto again = policy::decode_row(written);
    require(again && written.size() == copy.size(), "what was read can be written");
    require(again->id == row->id && again->cost == row->cost && again->usage == row->usage &&
                again->status == row->status && again->attempts.size() == row->attempts.size(),
            "what was written is the same row");
}

}  // namespace headgate::fuzz
