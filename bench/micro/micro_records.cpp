#include "policy/ledger/record_columns.h"
#include "policy/ledger/record_store.h"

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// What the SQLite record store takes: rows a second, and what a ledger of a million rows costs.
namespace headgate::policy {
namespace {

constexpr std::size_t kBatch = 2'000;  // RecordWriter's most
constexpr std::int64_t kMillion = 1'000'000;
constexpr std::chrono::sys_days kFirstDay{std::chrono::year{2026} / 3 / 1};

/// Rows of one day for each 10,000, of 100 projects.
class Rows {
public:
    const std::vector<LedgerRow>& next() {
        texts_.clear();
        texts_.reserve(2 * kBatch);
        rows_.resize(kBatch);
        for (LedgerRow& row : rows_) {
            fill(row);
        }
        return rows_;
    }

private:
    void fill(LedgerRow& row) {
        const std::int64_t number = made_++;
        std::string digits = std::to_string(number * 1'000'003);
        row.id = texts_.emplace_back("req_" + std::string(26 - digits.size(), '0') + digits);
        row.project = texts_.emplace_back("project-" + std::to_string(number % 100));
        row.time = kFirstDay + std::chrono::milliseconds{number * 8'640};
        row.key = "production";
        row.endpoint = "chat";
        row.route = "default";
        row.provider = "openai";
        row.model = row.requested_model = number % 3 == 0 ? "gpt-5" : "gpt-5-mini";
        row.status = 200;
        row.outcome = Outcome::complete;
        row.usage.input = {1'200};
        row.usage.output = {350};
        row.cost = providers::Money::nanos(5'000'000 + number % 1'000);
        row.price = "catalogue";
        row.attempts = {{"openai", row.model, 200, "ok", std::chrono::microseconds{812'345}}};
        row.duration = std::chrono::microseconds{812'900};
        row.tags = "team=search,feature=answers";
    }

    std::int64_t made_ = 0;
    std::vector<std::string> texts_;
    std::vector<LedgerRow> rows_;
};

template <class T>
T done(Stored<T> stored) {
    if (!stored) {
        throw std::runtime_error(stored.error().text);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*stored);
    }
}

class Directory {
public:
    Directory() {
        std::string path = std::filesystem::temp_directory_path() / "headgate-bench-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::runtime_error("mkdtemp");
        }
        path_ = path;
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { std::filesystem::remove_all(path_); }

    std::string file() const { return path_ / "headgate.db"; }

private:
    std::filesystem::path path_;
};

/// Filled once, for all benchmarks that only read it.
const Directory& million() {
    static const std::unique_ptr<Directory> filled = [] {
        auto directory = std::make_unique<Directory>();
        const auto store = done(open_sqlite(directory->file(), false));
        Rows rows;
        for (std::int64_t i = 0; i < kMillion; i += kBatch) {
            done(store->append(rows.next(), "0000000000000001"));
        }
        return directory;
    }();
    return *filled;
}

void columns_of_a_row(benchmark::State& state) {
    Rows rows;
    const LedgerRow row = rows.next().front();
    RecordColumnsWriter writer;
    for (auto _ : state) {
        benchmark::DoNotOptimize(writer.columns(row).detail.size());
    }
}
BENCHMARK(columns_of_a_row);

/// range(0): durable.
void append_rows(benchmark::State& state) {
    const Directory directory;
    const auto store = done(open_sqlite(directory.file(), state.range(0) == 1));
    Rows rows;
    for (auto _ : state) {
        state.PauseTiming();
        const std::vector<LedgerRow>& batch = rows.next();
        state.ResumeTiming();
        done(store->append(batch, "0000000000000001"));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}
BENCHMARK(append_rows)->Arg(0)->Arg(1)->UseRealTime()->Iterations(100);

void append_one_row(benchmark::State& state) {
    const Directory directory;
    const auto store = done(open_sqlite(directory.file(), state.range(0) == 1));
    Rows rows;
    std::span<const LedgerRow> left;
    for (auto _ : state) {
        if (left.empty()) {
            left = rows.next();
        }
        done(store->append(left.first(1), "0000000000000001"));
        left = left.subspan(1);
    }
}
BENCHMARK(append_one_row)->Arg(0)->Arg(1)->UseRealTime();

void open_and_read_day_sums_of_a_million(benchmark::State& state) {
    const std::string file = million().file();
    for (auto _ : state) {
        const auto store = done(open_sqlite(file, false));
        benchmark::DoNotOptimize(done(store->day_sums(Day::min())).size());
    }
}
BENCHMARK(open_and_read_day_sums_of_a_million)->Unit(benchmark::kMillisecond);

void page_in_the_middle_of_a_million(benchmark::State& state) {
    const auto store = done(open_sqlite(million().file(), false));
    LedgerQuery query;
    query.project = state.range(0) == 1 ? "project-7" : "";
    query.from = kFirstDay + std::chrono::days{50};
    for (auto _ : state) {
        benchmark::DoNotOptimize(done(store->page(query)).rows.size());
    }
}
BENCHMARK(page_in_the_middle_of_a_million)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void usage_of_a_million_by_project_and_model(benchmark::State& state) {
    const auto store = done(open_sqlite(million().file(), false));
    UsageQuery query;
    query.by = {UsageBy::project, UsageBy::model};
    for (auto _ : state) {
        benchmark::DoNotOptimize(done(store->usage(query)).size());
    }
}
BENCHMARK(usage_of_a_million_by_project_and_model)->Unit(benchmark::kMillisecond)->Iterations(3);

/// Last: it takes rows away.
void roll_up_a_slice_of_5000(benchmark::State& state) {
    const auto store = done(open_sqlite(million().file(), false));
    for (auto _ : state) {
        benchmark::DoNotOptimize(done(store->roll_up(kFirstDay + std::chrono::days{99}, 5'000)));
    }
}
BENCHMARK(roll_up_a_slice_of_5000)->Unit(benchmark::kMillisecond)->Iterations(50);

}  // namespace
}  // namespace headgate::policy

BENCHMARK_MAIN();
