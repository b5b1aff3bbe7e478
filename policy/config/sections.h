#pragma once

#include "policy/config/map_reader.h"
#include "policy/config/reading.h"
#include "policy/config/snapshot.h"

namespace headgate::policy {

// One function a block of the policy file. Each reads its block from `root` where it is there,
// reports what is wrong and fills its part of the snapshot; faulty settings keep their defaults.

/// `listen`, `workers`, `drain_delay`, `shutdown_grace`, `admin`.
void read_listener_section(Reading& reading, const MapReader& root, Snapshot& snapshot);

void read_protect_section(Reading& reading, const MapReader& root, Protect& protect);
void read_log_section(Reading& reading, const MapReader& root, LogSettings& log);
void read_providers_section(Reading& reading, const MapReader& root, Snapshot& snapshot);

/// `projects`, and the key ring that their keys make.
void read_projects_section(Reading& reading, const MapReader& root, Snapshot& snapshot);

/// What only a `kind: simulator` has.
void read_simulator_settings(Reading& reading,
                             const MapReader& provider,
                             providers::Behaviour& behaviour);

}  // namespace headgate::policy
