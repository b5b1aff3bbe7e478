#include "providers/registry/registry.h"

#include "providers/openai/adapter.h"

#include <utility>

namespace headgate::providers {

const Adapter& adapter_for(ProviderKind kind) {
    static const openai::OpenAiAdapter kOpenAi;

    switch (kind) {
        case ProviderKind::openai:
        case ProviderKind::openai_compatible:
        case ProviderKind::simulator:
            return kOpenAi;
    }
    std::unreachable();
}

}  // namespace headgate::providers
