#include "providers/azure/adapter.h"

#include "providers/azure/encode.h"
#include "providers/azure/errors.h"

namespace headgate::providers::azure {

std::pair<std::string_view, std::string> AzureAdapter::credential_field(
    const Provider& provider, std::string_view secret) const {
    if (!provider.token_file.empty()) {
        return OpenAiAdapter::credential_field(provider, secret);
    }
    return {"api-key", std::string{secret}};
}

std::string AzureAdapter::models_path(const Provider& provider) const {
    return azure::models_path(provider);
}

Result<UpstreamRequest> AzureAdapter::encode(const ApiRequest& request,
                                             const Target& target) const {
    return azure::encode(request, target);
}

ProviderError AzureAdapter::decode_error(int status, Bytes body) const {
    return azure::decode_error(status, body);
}

}  // namespace headgate::providers::azure
