#include "policy/keys/project.h"

#include <openssl/evp.h>

#include <stdexcept>

namespace headgate::policy {
namespace {

struct DigestFree {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};
struct ContextFree {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

struct KeyHasher::Impl {
    std::unique_ptr<EVP_MD, DigestFree> sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
    std::unique_ptr<EVP_MD_CTX, ContextFree> context{EVP_MD_CTX_new()};
};

KeyHasher::KeyHasher() : impl_{std::make_unique<Impl>()} {
    if (!impl_->sha256 || !impl_->context) {
        throw std::runtime_error("KeyHasher: OpenSSL offers no SHA-256");
    }
}

KeyHasher::~KeyHasher() = default;

KeyDigest KeyHasher::digest(std::string_view key) {
    KeyDigest result{};
    unsigned int size = 0;
    EVP_MD_CTX* context = impl_->context.get();
    if (EVP_DigestInit_ex2(context, impl_->sha256.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context, key.data(), key.size()) != 1 ||
        EVP_DigestFinal_ex(context, result.data(), &size) != 1 || size != result.size()) {
        throw std::runtime_error("KeyHasher: SHA-256 failed");
    }
    return result;
}

}  // namespace headgate::policy
