#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// What a limit counts (docs/money.md, Limits): requests, tokens and images a minute or a day, and
/// requests at a time.
enum class LimitKind : std::uint8_t { rpm, tpm, rpd, tpd, ipm, concurrent };

inline constexpr std::size_t kLimitKinds = 6;
inline constexpr std::array<LimitKind, kLimitKinds> kAllLimitKinds{
    LimitKind::rpm, LimitKind::tpm, LimitKind::rpd,
    LimitKind::tpd, LimitKind::ipm, LimitKind::concurrent};

/// "rpm", …
std::string_view to_string(LimitKind kind);

/// In which time an empty bucket has drained: a minute or a day; nullopt for `concurrent`, which
/// does not drain.
std::optional<std::chrono::seconds> period_of(LimitKind kind);

/// `mode` of a limit or a budget: `shadow` counts, reports and alerts, and does not refuse.
enum class EnforceMode : std::uint8_t { enforce, shadow };

/// One entry under `limits`: one bucket a kind, shared by all models that it matches.
struct LimitEntry {
    std::vector<std::string> models{"*"};             // globs on the model that was asked for
    std::array<std::int64_t, kLimitKinds> amounts{};  // by LimitKind; 0: no such limit
    EnforceMode mode = EnforceMode::enforce;

    std::int64_t amount(LimitKind kind) const { return amounts[static_cast<std::size_t>(kind)]; }
    /// The globs as one text, "gpt-5*,o4*": how messages and metrics call the entry.
    std::string label() const;
};

}  // namespace headgate::policy
