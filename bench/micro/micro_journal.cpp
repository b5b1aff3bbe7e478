#include "policy/ledger/row_codec.h"
#include "policy/store/journal/crc32c.h"
#include "policy/store/journal/journal.h"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// What a durable row costs a request: encode, open, settle.
namespace headgate::policy {
namespace {

using namespace std::chrono_literals;
using providers::Money;
using providers::Tokens;

LedgerRow usual_row() {
    LedgerRow row;
    row.id = "req_01JDF3Q4ZK8V6M0T2N5R7W9X1Y";
    row.time = std::chrono::sys_days{std::chrono::year{2026} / 11 / 24};
    row.project = "search";
    row.key = "prod";
    row.endpoint = "chat";
    row.route = "flagship";
    row.provider = "openai";
    row.model = "gpt-5-mini";
    row.requested_model = "gpt-5-mini";
    row.status = 200;
    row.outcome = Outcome::complete;
    row.stream = true;
    row.usage.input = Tokens{1'000};
    row.usage.output = Tokens{300};
    row.cost = Money::nanos(7'512'500);
    row.price = "catalogue";
    row.attempts = {{"openai", "gpt-5-mini", 200, "ok", 1'200ms}};
    row.duration = 1'234ms;
    row.first_byte = 412ms;
    row.tags = "team=a,feature=b";
    return row;
}

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "journal-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("no temporary directory");
        }
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::unique_ptr<Journal> open() const {
        JournalReplay replay;
        auto journal = Journal::open({.directory = path_}, replay);
        if (!journal) {
            throw std::runtime_error(journal.error());
        }
        return std::move(*journal);
    }

private:
    std::string path_;
};

/// The consumer: takes rows and says that they are stored, as fast as they come.
class Drain {
public:
    explicit Drain(Journal& journal) : journal_{journal}, thread_{[this] { run(); }} {}
    ~Drain() {
        is_over_ = true;
        journal_.wake();
        thread_.join();
    }
    Drain(const Drain&) = delete;
    Drain& operator=(const Drain&) = delete;

private:
    void run() {
        std::vector<std::string_view> rows;
        while (!is_over_) {
            if (journal_.read(2'000, rows) == 0) {
                journal_.wait(1'000);
            } else {
                journal_.release();
            }
        }
    }

    Journal& journal_;
    std::atomic<bool> is_over_ = false;
    std::thread thread_;
};

struct Encoded {
    std::array<char, kMaxEncodedRow> bytes{};
    std::size_t size = encode_row(usual_row(), bytes);

    std::string_view row() const { return {bytes.data(), size}; }
};

void BM_EncodeRow(benchmark::State& state) {
    const LedgerRow row = usual_row();
    std::array<char, kMaxEncodedRow> bytes{};
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(encode_row(row, bytes));
        benchmark::ClobberMemory();
    }
    state.counters["bytes"] = static_cast<double>(encode_row(row, bytes));
}
BENCHMARK(BM_EncodeRow);

void BM_DecodeRow(benchmark::State& state) {
    const Encoded encoded;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(decode_row(encoded.row()));
    }
}
BENCHMARK(BM_DecodeRow);

void BM_Crc32c(benchmark::State& state) {
    const Encoded encoded;
    const bool is_by_table = state.range(0) != 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(is_by_table ? journal::crc32c_by_table(encoded.row())
                                             : journal::crc32c(encoded.row()));
    }
}
BENCHMARK(BM_Crc32c)->ArgName("table")->Arg(0)->Arg(1);

/// Opens and withdraws with range(0) other slots open, as under load.
void BM_Open(benchmark::State& state) {
    const Folder folder;
    const auto journal = folder.open();
    const Encoded encoded;
    Journal::Writer& writer = journal->writer(0);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        benchmark::DoNotOptimize(writer.open(encoded.row()));
    }
    for ([[maybe_unused]] auto _ : state) {
        const auto slot = writer.open(encoded.row());
        if (!slot) {
            state.SkipWithError("full");
            break;
        }
        writer.withdraw(*slot);
    }
}
BENCHMARK(BM_Open)->Arg(0)->Arg(1'000);

/// Both, while a consumer takes the rows.
void BM_OpenAndSettle(benchmark::State& state) {
    const Folder folder;
    const auto journal = folder.open();
    const Drain drain{*journal};
    const Encoded encoded;
    Journal::Writer& writer = journal->writer(0);
    std::size_t refused = 0;
    for ([[maybe_unused]] auto _ : state) {
        const auto slot = writer.open(encoded.row());
        if (!slot) {
            ++refused;
            continue;
        }
        writer.settle(*slot, encoded.row());
    }
    state.counters["refused"] = static_cast<double>(refused);
}
BENCHMARK(BM_OpenAndSettle)->UseRealTime();

/// Both with nobody to take the rows: every page of the file is a new one.
void BM_OpenAndSettleOnNewPages(benchmark::State& state) {
    const Folder folder;
    const auto journal = folder.open();
    const Encoded encoded;
    Journal::Writer& writer = journal->writer(0);
    for ([[maybe_unused]] auto _ : state) {
        const auto slot = writer.open(encoded.row());
        if (!slot) {
            state.SkipWithError("full");
            break;
        }
        writer.settle(*slot, encoded.row());
    }
}
BENCHMARK(BM_OpenAndSettleOnNewPages)->Iterations(1'000'000);

}  // namespace
}  // namespace headgate::policy

BENCHMARK_MAIN();
