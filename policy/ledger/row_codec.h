#pragma once

#include "policy/ledger/row.h"

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace headgate::policy {

/// The most that encode_row() writes. What the contract bounds always fits; `attempts` and
/// `skipped` beyond it are left out, the latest first.
inline constexpr std::size_t kMaxEncodedRow = 8192;

/// Writes the ledger fields of `row` (not those of the access log) to `to` in a binary form of our
/// own: fixed-width little-endian numbers, texts with their length before them, a version first.
/// Returns the bytes written. No allocation, no system call. `room` is kMaxEncodedRow at least, or
/// smaller where the caller accepts that attempts, skipped, tags and client_request_id, in this
/// order, are left out to make the row fit; 0 where even the rest does not.
std::size_t encode_row(const LedgerRow& row, std::span<char> to);

/// The row again; its views look into `bytes` and into `attempts` etc. of the result. The error is
/// a text: bytes that are no row, of another version, or with lengths that lead outside.
std::expected<LedgerRow, std::string> decode_row(std::string_view bytes);

/// The id alone, without a look at the rest; empty where `bytes` do not begin like a row.
std::string_view encoded_row_id(std::string_view bytes);

}  // namespace headgate::policy
