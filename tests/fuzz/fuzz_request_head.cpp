#include "tests/fuzz/request_head_check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    headgate::fuzz::check_request_head({reinterpret_cast<const char*>(data), size});
    return 0;
}
