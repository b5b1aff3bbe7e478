#pragma once

#include "policy/config/map_reader.h"
#include "policy/config/reading.h"
#include "policy/config/snapshot.h"
#include "policy/config/state_section.h"

namespace headgate::policy {

// One function a block of the policy file. Each reads its block from `root` where it is there,
// reports what is wrong and fills its part of the snapshot; faulty settings keep their defaults.

/// `listen`, `listen_shared`, `workers`, `watch`, `drain_delay`, `shutdown_grace`, `admin.listen`.
void read_listener_section(Reading& reading, const MapReader& root, Snapshot& snapshot);

void read_protect_section(Reading& reading, const MapReader& root, Protect& protect);
void read_log_section(Reading& reading, const MapReader& root, LogSettings& log);
void read_alerts_section(Reading& reading, const MapReader& root, AlertSettings& alerts);
void read_prices_section(Reading& reading,
                         const MapReader& root,
                         std::vector<PriceOverride>& prices);
void read_providers_section(Reading& reading, const MapReader& root, Snapshot& snapshot);
void read_organization_section(Reading& reading,
                               const MapReader& root,
                               const StatePlaces& places,
                               Organization& organization);

/// `projects`, and the key ring that their keys make; `admin.keys`, of which none may be in it.
void read_projects_section(Reading& reading,
                           const MapReader& root,
                           const StatePlaces& places,
                           Snapshot& snapshot);

/// `routes`, after providers and projects. Without it the snapshot gets the implicit route.
void read_routes_section(Reading& reading, const MapReader& root, Snapshot& snapshot);

/// What only a `kind: simulator` has.
void read_simulator_settings(Reading& reading,
                             const MapReader& provider,
                             ProviderSettings& settings);

/// Warnings and errors that need the whole policy: routes that an earlier one shadows, targets that
/// can never serve, models that no route takes, weights that nothing uses.
void check_routes(Reading& reading, const MapReader& root, const Snapshot& snapshot);

}  // namespace headgate::policy
