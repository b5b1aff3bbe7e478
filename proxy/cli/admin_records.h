#pragma once

#include "policy/config/snapshot.h"
#include "policy/ledger/record_store.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::proxy {

/// The admin thread's own connection to the record store: opened when it is first asked, and again
/// after it was away. Not thread-safe.
class AdminRecords {
public:
    explicit AdminRecords(policy::StateSettings state) : state_{std::move(state)} {}

    policy::Stored<std::vector<policy::KeyUse>> uses();
    policy::Stored<policy::LedgerPage> page(const policy::LedgerQuery& query);
    policy::Stored<std::optional<std::string>> row(std::string_view id);

private:
    template <class Call>
    auto with_store(Call&& call) -> decltype(call(std::declval<policy::RecordStore&>()));

    policy::StateSettings state_;
    std::unique_ptr<policy::RecordStore> store_;
    /// The admin thread answers probes, too: after a failure it does not wait for the store again
    /// before this.
    std::chrono::steady_clock::time_point retry_at_;
    policy::StoreError latest_;
};

}  // namespace headgate::proxy
