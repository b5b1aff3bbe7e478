#pragma once

#include "policy/budget/price_book.h"
#include "providers/base/money.h"

#include <cstdint>
#include <string_view>

namespace headgate::policy {

/// What a request may consume at most at one target, and as which classes it could be charged.
struct Consumption {
    std::int64_t input = 0;   // tokens
    std::int64_t output = 0;  // tokens, but for those of pictures
    std::int64_t pictures = 0;
    std::int64_t picture_tokens = 0;  // of all of them

    bool may_read_sound = false;
    bool may_read_pictures = false;
    bool may_speak = false;  // output may be sound
};

/// What that costs at most: each token at the dearest class that it could be charged as, at the
/// dearest long-input tier that the input could reach, the pictures by token or by the piece.
///
/// `service_tier` as the request has it. A provider may serve a request at the standard tier
/// whatever was asked, so that its price always counts; beside it that of the tier that was asked.
/// "auto" leaves the choice to a setting of the provider's project: it counts as priority. Absent
/// counts as standard, as at all projects without such a setting; where one has it, rows are
/// flagged over_reserved, and `service_tier: auto` in the request reserves enough.
///
/// Throws std::overflow_error outside Money's range.
providers::Money dearest_cost(const TargetPrice& price,
                              std::string_view service_tier,
                              const Consumption& most);

}  // namespace headgate::policy
