#pragma once

#include "providers/contract/api_request.h"
#include "providers/contract/result.h"
#include "providers/contract/target.h"
#include "providers/contract/upstream_request.h"

#include <string>

namespace headgate::providers::azure {

/// The request as it goes to Azure OpenAI, at the deployment of the target's model. Below the
/// provider's base path (an `/openai` or `/openai/v1` at its end is not written twice):
///
///   a dated api_version   /openai/deployments/{deployment}/{path}?api-version=…
///     …, responses        /openai/responses?api-version=…
///   `v1`, or none         /openai/v1/{path}
///   another word          /openai/v1/{path}?api-version=… (`preview`)
///
/// In all but the first the body's `model` becomes the deployment's name. In the first Azure does
/// not read it: it becomes the target's model where that is not the one asked for.
///
/// Streams are asked for their usage as OpenAI's are, but for dated versions before 2024-09-01,
/// which do not know `stream_options`, and for requests with `data_sources`, with which Azure
/// refuses it. Where an output cap is added, it is `max_tokens` before 2024-09-01 as well.
///
/// Errors: those of openai::encode_to(), endpoint_not_supported for an operation that Azure does
/// not have.
///
/// Sources: Microsoft's "Azure OpenAI REST API reference", "API version lifecycle"; the official
/// Python SDK's lib/azure.py.
Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target);

/// Where GET lists the resource's models: /openai/models?api-version=…, or /openai/v1/models.
std::string models_path(const Provider& provider);

}  // namespace headgate::providers::azure
