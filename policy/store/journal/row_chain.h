#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace headgate::policy::journal {

/// One worker's segments in their order, and how far they are written and released: what its writer
/// and the consumer share. All that a row needs is written before it is counted in `published`.
class RowChain {
public:
    /// A segment of the chain.
    struct Link {
        std::uint32_t block = 0;
        std::atomic<std::uint32_t> end = 0;  // where its rows end; 0: more may come
    };

    /// `most` segments are in use at a time.
    explicit RowChain(std::size_t most)
        : size_{most + 1}, links_{std::make_unique<Link[]>(most + 1)} {}

    /// The n-th segment that the worker began. Its link is used again only when the segment was
    /// given back, and the consumer has passed it then.
    Link& link(std::uint64_t n) const { return links_[n % size_]; }

    /// What one thread counts and others read.
    struct alignas(64) Count {
        std::atomic<std::uint64_t> rows = 0;
        std::atomic<std::uint64_t> bytes = 0;

        void add(std::uint64_t more_rows, std::uint64_t more_bytes) {
            bytes.store(bytes.load(std::memory_order_relaxed) + more_bytes,
                        std::memory_order_release);
            // Sequentially consistent: Doorbell.
            rows.store(rows.load(std::memory_order_relaxed) + more_rows, std::memory_order_seq_cst);
        }
    };
    Count published;  // by the worker
    Count released;   // by the consumer

private:
    std::size_t size_;
    std::unique_ptr<Link[]> links_;
};

}  // namespace headgate::policy::journal
