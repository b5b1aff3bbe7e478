#pragma once

#include "metrics/registry/families.h"
#include "metrics/registry/money_metrics.h"

namespace headgate::metrics {

/// The gauges of limits, budgets and stores, and what is counted of money beside the ledger.
class MoneyCollector final : public prometheus::Collectable {
public:
    void set(MoneySources sources) { sources_ = std::move(sources); }

    std::vector<MetricFamily> Collect() const override;

private:
    MoneySources sources_;
};

}  // namespace headgate::metrics
