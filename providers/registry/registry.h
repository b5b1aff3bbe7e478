#pragma once

#include "providers/contract/answer_decoder.h"

namespace headgate::providers {

/// The adapter of a provider kind. One line a kind; the object lives as long as the program.
const Adapter& adapter_for(ProviderKind kind);

}  // namespace headgate::providers
