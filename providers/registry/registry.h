#pragma once

#include "providers/contract/answer_decoder.h"

namespace headgate::providers {

/// The adapter of a wire format. One line a format; the object lives as long as the program.
const Adapter& adapter_for(WireFormat wire);

}  // namespace headgate::providers
