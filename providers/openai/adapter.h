#pragma once

#include "providers/contract/answer_decoder.h"

#include <memory>

namespace headgate::providers::openai {

/// OpenAI's wire format, spoken by OpenAI and by every compatible server. Answers pass through:
/// what a client of the same format gets is the provider's bytes, checked.
class OpenAiAdapter : public Adapter {
public:
    std::pair<std::string_view, std::string> credential_field(
        const Provider& provider, std::string_view secret) const override;
    std::string models_path(const Provider& provider) const override;
    Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target) const override;
    PlainAnswer decode(const ApiRequest& request, Bytes body) const override;
    std::unique_ptr<StreamDecoder> stream_decoder(const ApiRequest& request) const override;
    ProviderError decode_error(int status, Bytes body) const override;
};

}  // namespace headgate::providers::openai
