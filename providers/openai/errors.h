#pragma once

#include "providers/contract/answer_decoder.h"

#include <cstddef>
#include <string_view>

namespace headgate::providers::openai {

/// A larger body is not read: it becomes a generic message.
constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;

/// True where `lower_case_words` stand somewhere in `text`, in whatever case of ASCII.
bool speaks_of(std::string_view text, std::string_view lower_case_words);

/// A provider's error (status 400 and above) made fit for a client of OpenAI.
///
/// A body of OpenAI's shape ({"error":{"message","type",…}}; type text or null, param and code
/// absent, null or text) passes byte for byte but for masked ids and hosts (mask.h). Everything
/// else is wrapped into that shape: the message is the body's own (`error.message`, `error`,
/// `message`, `detail`, or short plain text), the type belongs to the status. HTML, bodies above 64
/// KiB and what tells nothing become a generic message with the status. A message of our making has
/// at most 2000 bytes.
///
/// is_credential: every 401, and a 403 whose code is about the key or its account; not the 403s
/// that the client or the location must answer for (content_policy_violation,
/// unsupported_country_region_territory, a model that is not open to the project).
/// is_quota: a 4xx whose code or type tells that the account is out of money or quota, and every
/// 402. OpenAI sends these codes with 429, for pictures also with 400.
/// is_daily: a 429 of another kind whose message, code or type speaks of a quota per day.
///
/// Sources: OpenAI's "Error codes" guide; error shapes of Azure, OpenRouter, vLLM and Gemini's
/// OpenAI endpoint (which wraps the object into an array).
ProviderError decode_error(int status, Bytes body);

}  // namespace headgate::providers::openai
