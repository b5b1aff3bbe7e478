#pragma once

#include "providers/base/clock.h"
#include "providers/base/money.h"
#include "providers/contract/usage.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// How an exchange ended. Spelled as in the ledger.
enum class Outcome : std::uint8_t { complete, error, refused, client_gone, upstream_cut, expired };

std::string_view to_string(Outcome outcome);

/// One upstream attempt as the row tells it.
struct AttemptRecord {
    std::string_view provider;
    std::string_view model;
    int status = 0;  // 0: none came
    std::string_view
        reason;  // "ok", "status", "connect", "timeout", "cut", "invalid", "client_gone"
    std::chrono::microseconds duration{0};
};

struct SkippedRecord {
    std::string_view provider;
    std::string_view model;
    std::string_view reason;
};

/// The durable record of an exchange: the single source of metrics, log line and span
/// (docs/operations.md, The ledger). Views look into the Snapshot, the request or static storage
/// and must live until the row has been written out.
struct LedgerRow {
    std::string_view id;  // the x-request-id
    providers::WallTime time;
    std::string_view project;
    std::string_view key;
    std::string_view endpoint;  // the family
    std::string_view route;
    std::string_view provider;
    std::string_view model;
    std::string_view requested_model;
    std::optional<int> status;
    std::string_view code;  // error code or empty (null)
    Outcome outcome = Outcome::error;
    bool stream = false;
    providers::Usage usage;
    providers::Money cost;
    std::string_view price = "none";  // policy, catalogue, none
    bool over_reserved = false;
    std::string_view cache = "off";
    providers::Money saved;
    std::vector<AttemptRecord> attempts;
    std::vector<SkippedRecord> skipped;
    std::chrono::microseconds duration{0};
    std::optional<std::chrono::microseconds> first_byte;
    std::string_view tags;  // as the client sent it, validated; empty: none
    std::string_view client_request_id;
    std::int64_t count = 1;

    // Beside the ledger row, in the access log only:
    std::string_view client;  // address
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::string_view trace_id;
    std::chrono::microseconds overhead{0};
};

}  // namespace headgate::policy
