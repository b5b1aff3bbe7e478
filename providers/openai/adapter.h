#pragma once

#include "providers/contract/answer_decoder.h"

#include <memory>

namespace headgate::providers::openai {

/// OpenAI's wire format, spoken by OpenAI and by every compatible server. Answers pass through:
/// what a client of the same format gets is the provider's bytes, checked.
class OpenAiAdapter final : public Adapter {
public:
    Result<UpstreamRequest> encode(const ApiRequest& request, const Target& target) const override;
    PlainAnswer decode(const ApiRequest& request, Bytes body) const override;
    std::unique_ptr<StreamDecoder> stream_decoder(const ApiRequest& request) const override;
    ProviderError decode_error(int status, Bytes body) const override;
};

}  // namespace headgate::providers::openai
