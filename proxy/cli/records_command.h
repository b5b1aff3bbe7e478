#pragma once

#include "policy/config/snapshot.h"
#include "policy/ledger/record_store.h"

#include <memory>
#include <string>
#include <string_view>

namespace headgate::proxy {

/// What a command that works on the record store begins with: the policy and the open store. A
/// problem has been told on stderr where `store` is null.
struct RecordsCommand {
    std::unique_ptr<policy::Snapshot> policy;
    std::unique_ptr<policy::RecordStore> store;
};

/// `command` stands before every message, "keys list".
RecordsCommand open_records(std::string_view command, const std::string& config);

/// Tells on stderr why the store did not do it. The exit code.
int store_failed(std::string_view command, const policy::StoreError& error);

}  // namespace headgate::proxy
