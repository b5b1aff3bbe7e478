#include "proxy/pipeline/request_id.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <system_error>

namespace headgate::proxy {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/// The lowest 5 × count bits of `value`, most significant first.
void put(char* to, std::uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) {
        to[i] = kAlphabet[value & 31];
        value >>= 5;
    }
}

}  // namespace

RequestIds::RequestIds() {
    if (::getrandom(state_.data(), sizeof state_, 0) != sizeof state_) {
        throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    state_[0] |= 1;  // an all-zero state would stay so
}

/// xoroshiro128+ (Blackman, Vigna).
std::uint64_t RequestIds::random() {
    const std::uint64_t a = state_[0];
    std::uint64_t b = state_[1];
    const std::uint64_t result = a + b;
    b ^= a;
    state_[0] = std::rotl(a, 24) ^ b ^ (b << 16);
    state_[1] = std::rotl(b, 37);
    return result;
}

RequestId RequestIds::next(providers::WallTime now) {
    const auto since = now.time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
    RequestId id{'r', 'e', 'q', '_'};
    put(id.data() + 4, static_cast<std::uint64_t>(ms), 10);
    put(id.data() + 14, random(), 8);
    put(id.data() + 22, random(), 8);
    return id;
}

}  // namespace headgate::proxy
