#pragma once

#include "providers/contract/answer_decoder.h"

namespace headgate::providers::azure {

/// An error of Azure OpenAI made fit for a client of OpenAI: as openai::decode_error(), which
/// passes the content filter's 400 with its `innererror` as it is, and wraps what Azure's gateway
/// says ({"error":{"code","message"}}, {"statusCode","message"}). Beyond that:
///
/// - 404 DeploymentNotFound keeps status and code, and tells a message of ours: a client asked for
///   a model and knows no deployments.
/// - is_credential also: a 403 of the resource's network rules, roles or disabled keys. Not: one
///   that speaks of content, which is the client's.
/// - is_quota also: a 429 or 403 that says in its code or words that the quota is used up. A 429 of
///   the call or token rate is none, for all that it names a page on "quotaincrease".
///
/// Sources: Microsoft's "Content filtering", "Quotas and limits", "Configure virtual networks",
/// "Role-based access control", API Management's policies `rate-limit` and `quota`.
ProviderError decode_error(int status, Bytes body);

}  // namespace headgate::providers::azure
