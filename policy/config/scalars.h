#pragma once

#include "providers/base/clock.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace headgate::policy {

/// A value, or what the text must be instead: "must be a duration such as 200ms, 30s or 10m". The
/// error never repeats the text, which may come from a secret.
template <class T>
using Parsed = std::expected<T, std::string>;

/// "200ms 30s 10m 1h 1d"; one whole number and its unit, at most 3650d.
Parsed<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "16KiB 32MiB 1GiB", "16KB 32MB 1GB" (powers of 1000), or a plain number of bytes; below 2^50.
Parsed<std::size_t> parse_size(std::string_view text);

/// A whole number of YAML 1.2's core schema that is not negative, or "300k", "2M"; below 2^53.
Parsed<std::int64_t> parse_count(std::string_view text);

/// A count from `smallest` to `largest`.
Parsed<std::int64_t> parse_count_between(std::string_view text,
                                         std::int64_t smallest,
                                         std::int64_t largest);

/// A duration that is not 0: time-outs that would end everything at once are a slip.
Parsed<std::chrono::milliseconds> parse_timeout(std::string_view text);

/// "80%" as 0.8; 0 to 100, at most 6 places.
Parsed<double> parse_percent(std::string_view text);

/// A number from 0 to 1 such as 0.1.
Parsed<double> parse_rate(std::string_view text);

/// true or false in YAML 1.2's core spellings; `yes`, `no`, `on` and `off` are plain text.
Parsed<bool> parse_flag(std::string_view text);

/// "2027-01-01": 00:00 UTC of that day. A year past 2261 is the last moment that the clock knows.
Parsed<providers::WallTime> parse_date(std::string_view text);

/// Text without control characters, at most 4096 bytes.
Parsed<std::string> parse_text(std::string_view text);

/// Printable ASCII without blanks, at most 4096 bytes: what may stand in a header as a credential.
Parsed<std::string> parse_header_token(std::string_view text);

/// 1 to 256 characters of a model name or of `*` (at most 16) and `?`: anything else would never
/// match.
Parsed<std::string> parse_model_glob(std::string_view text);

/// A name that is_plain_name().
Parsed<std::string> parse_plain_name(std::string_view text);

/// True for 1 to 64 characters of [A-Za-z0-9_.-]: providers, projects, keys and routes.
bool is_plain_name(std::string_view name);

}  // namespace headgate::policy
