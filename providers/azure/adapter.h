#pragma once

#include "providers/openai/adapter.h"

namespace headgate::providers::azure {

/// Azure OpenAI: OpenAI's bodies behind Azure's addresses, keys and error bodies. Answers pass
/// through as OpenAI's do, with what Azure's content filter adds to them.
class AzureAdapter final : public openai::OpenAiAdapter {
public:
    /// `api-key`, or a bearer token (Microsoft Entra ID) where the policy names a token_file.
    std::pair<std::string_view, std::string> credential_field(
        const Provider& provider, std::string_view secret) const override;
    std::string models_path(const Provider& provider) const override;
    Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target) const override;
    ProviderError decode_error(int status, Bytes body) const override;
};

}  // namespace headgate::providers::azure
