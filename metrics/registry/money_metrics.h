#pragma once

#include "metrics/registry/rare_counters.h"
#include "metrics/registry/store_times.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace headgate::metrics {

/// What a scrape asks of limits, budgets and the records. All of it is called on the scraping
/// thread; views hold until the next call.
struct MoneySources {
    /// One bucket of `limits`, by its labels.
    struct Limit {
        std::string scope;  // "organization", "project"
        std::string project;
        std::string model;  // the entry's globs
        std::string kind;
        double remaining_ratio = 0;
    };
    struct Budget {
        std::string project;  // empty: the organization
        double limit_usd = 0;
        double spent_usd = 0;
        double reserved_usd = 0;
        std::optional<double> ends;  // seconds since 1970; nullopt: never
    };
    struct Store {
        std::string name;  // "records", "redis"
        bool is_up = false;
    };
    struct Records {
        std::uint64_t stored_rows = 0;
        std::size_t waiting_rows = 0;
        std::size_t open_bytes = 0;
        std::size_t unstored_bytes = 0;
    };

    std::function<std::vector<Limit>()> limits;
    std::function<std::vector<Budget>()> budgets;
    std::function<std::vector<Store>()> stores;
    std::function<std::optional<Records>()> records;
    const RareCounters* rare = nullptr;
    const StoreTimes* times = nullptr;
};

}  // namespace headgate::metrics
