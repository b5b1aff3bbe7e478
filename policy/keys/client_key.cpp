#include "policy/keys/client_key.h"

#include "policy/keys/project.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace headgate::policy {
namespace {

constexpr std::size_t kDigits = 43;

KeyBits random_bits() {
    KeyBits bits{};
    std::size_t filled = 0;
    while (filled < bits.size()) {
        const ssize_t got = getrandom(bits.data() + filled, bits.size() - filled, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
        filled += static_cast<std::size_t>(got);
    }
    return bits;
}

/// Divides `number` by 62 in place; returns the remainder.
std::size_t divide_by_62(KeyBits& number) {
    unsigned int remainder = 0;
    for (std::uint8_t& byte : number) {
        const unsigned int value = remainder * 256 + byte;
        byte = static_cast<std::uint8_t>(value / 62);
        remainder = value % 62;
    }
    return remainder;
}

}  // namespace

std::string base62_from(const KeyBits& bits) {
    constexpr std::string_view digits =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static_assert(digits.size() == 62);
    KeyBits rest = bits;
    std::string text(kDigits, '0');
    for (std::size_t i = kDigits; i-- > 0;) {
        text[i] = digits[divide_by_62(rest)];
    }
    return text;
}

std::string make_client_key() {
    return "hg-" + base62_from(random_bits());
}

}  // namespace headgate::policy
