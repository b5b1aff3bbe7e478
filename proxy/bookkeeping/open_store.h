#pragma once

#include "policy/config/snapshot.h"
#include "policy/ledger/record_store.h"

#include <memory>

namespace headgate::proxy {

/// Connects to the record store that the policy names. `records: none` is `refused`.
policy::Stored<std::unique_ptr<policy::RecordStore>> open_store(const policy::StateSettings& state);

}  // namespace headgate::proxy
