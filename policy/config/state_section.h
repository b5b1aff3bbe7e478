#pragma once

#include "policy/config/map_reader.h"
#include "policy/config/snapshot.h"

#include <optional>

namespace headgate::policy {

/// Where limits and rows are kept, for the checks of what depends on it; nullopt: nobody knows, as
/// a reference is missing that LoadOptions let pass.
struct StatePlaces {
    std::optional<bool> has_redis;
    std::optional<RecordsKind> records;
};

/// `state`. What `limits` and `records` say with a missing reference still tells the places, but
/// leaves the defaults.
StatePlaces read_state_section(Reading& reading, const MapReader& root, StateSettings& state);

/// What does not go together: `listen_shared` without Redis, ceilings of the organization with
/// `shard_by: project`, limits in Redis with records that processes do not share (a warning).
void check_state(Reading& reading,
                 const MapReader& root,
                 const Snapshot& snapshot,
                 const StatePlaces& places);

}  // namespace headgate::policy
