#include "providers/openai/adapter.h"

#include "providers/openai/decode.h"
#include "providers/openai/encode.h"
#include "providers/openai/errors.h"
#include "providers/openai/image_decoder.h"
#include "providers/openai/responses_decoder.h"
#include "providers/openai/stream_decoder.h"

namespace headgate::providers::openai {

std::pair<std::string_view, std::string> OpenAiAdapter::credential_field(
    const Provider& /*provider*/, std::string_view secret) const {
    return {"authorization", "Bearer " + std::string{secret}};
}

std::string OpenAiAdapter::models_path(const Provider& provider) const {
    return provider.base_url.base_path + "/models";
}

Result<UpstreamRequest> OpenAiAdapter::encode(const ApiRequest& request,
                                              const Target& target) const {
    return openai::encode(request, target);
}

PlainAnswer OpenAiAdapter::decode(const ApiRequest& request, Bytes body) const {
    return openai::decode(request, body);
}

std::unique_ptr<StreamDecoder> OpenAiAdapter::stream_decoder(const ApiRequest& request) const {
    switch (request.endpoint->operation) {
        case Operation::responses:
            return std::make_unique<ResponsesStreamDecoder>();
        case Operation::image_generations:
            return std::make_unique<ImageStreamDecoder>(request.choices());
        default:
            return std::make_unique<ChatStreamDecoder>(request.include_usage, request.choices());
    }
}

ProviderError OpenAiAdapter::decode_error(int status, Bytes body) const {
    return openai::decode_error(status, body);
}

}  // namespace headgate::providers::openai
