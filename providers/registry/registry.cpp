#include "providers/registry/registry.h"

#include "providers/azure/adapter.h"
#include "providers/openai/adapter.h"

#include <utility>

namespace headgate::providers {

const Adapter& adapter_for(WireFormat wire) {
    static const openai::OpenAiAdapter kOpenAi;
    static const azure::AzureAdapter kAzure;

    switch (wire) {
        case WireFormat::openai:
            return kOpenAi;
        case WireFormat::azure:
            return kAzure;
    }
    std::unreachable();
}

}  // namespace headgate::providers
