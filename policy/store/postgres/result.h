#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

struct pg_result;

namespace headgate::policy {

/// The rows of one statement. Views live as long as it does.
class PgResult {
public:
    explicit PgResult(pg_result* result);

    std::size_t rows() const;
    bool is_null(std::size_t row, std::size_t column) const;
    /// "" where it is NULL.
    std::string_view text(std::size_t row, std::size_t column) const;
    /// nullopt: NULL, or a sum that 64 bits do not hold.
    std::optional<std::int64_t> number(std::size_t row, std::size_t column) const;

private:
    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace headgate::policy
