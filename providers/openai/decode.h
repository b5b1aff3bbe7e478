#pragma once

#include "providers/contract/answer_decoder.h"

namespace headgate::providers::openai {

/// Judges a whole 2xx answer of OpenAI's format in one pass; of members that stand twice the last
/// counts. Valid is one JSON object with
///
///   chat/completions, completions   a `choices` array
///   embeddings                      a `data` array
///   moderations                     a `results` array
///   responses                       an `output` array, or an `id` and a `status`
///   images/generations              a `data` array, or the number `created`
///
/// and without a non-null `error`. (A response that failed has one by rights: there it stands
/// beside its `status`.) Pictures are counted, also where the provider does not tell their tokens.
PlainAnswer decode(const ApiRequest& request, Bytes body);

}  // namespace headgate::providers::openai
