#include "tests/fuzz/journal_check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    headgate::fuzz::check_journal({reinterpret_cast<const char*>(data), size});
    return 0;
}
