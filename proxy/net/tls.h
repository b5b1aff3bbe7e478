#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

using SSL = struct ssl_st;
// As OpenSSL names them. NOLINTBEGIN(readability-identifier-naming)
using SSL_CTX = struct ssl_ctx_st;
using SSL_SESSION = struct ssl_session_st;
using X509_STORE = struct x509_store_st;
// NOLINTEND(readability-identifier-naming)

namespace headgate::proxy {

struct TlsSettings {
    std::string ca_file;  // empty: the system's store
    bool verify = true;
};

/// The certificate authorities that one provider's certificate is checked against. Read once a
/// policy, shared by all workers; thread-safe.
class TlsTrust {
public:
    /// The error names the file and what is wrong with it.
    static std::expected<std::shared_ptr<const TlsTrust>, std::string> load(
        const TlsSettings& settings);
    ~TlsTrust();
    TlsTrust(const TlsTrust&) = delete;
    TlsTrust& operator=(const TlsTrust&) = delete;

    X509_STORE* store() const { return store_; }
    bool verifies() const { return verifies_; }

private:
    TlsTrust() = default;

    X509_STORE* store_ = nullptr;
    bool verifies_ = true;
};

/// What connections to one provider share: trust, versions, and the last session to resume, one
/// object a worker and provider (not thread-safe).
class ClientTls {
public:
    /// Throws std::bad_alloc where OpenSSL has no memory.
    explicit ClientTls(std::shared_ptr<const TlsTrust> trust);
    ~ClientTls();
    ClientTls(const ClientTls&) = delete;
    ClientTls& operator=(const ClientTls&) = delete;

    /// A TLS state for one connection to `host`: SNI (names only), host name check, resumption.
    SSL* open(const std::string& host);

private:
    static int keep_session(SSL* ssl, SSL_SESSION* session);

    std::shared_ptr<const TlsTrust> trust_;
    SSL_CTX* context_ = nullptr;
    SSL_SESSION* session_ = nullptr;
};

/// Why a handshake failed, for the operator: "certificate has expired", "hostname mismatch", …
std::string handshake_problem(SSL* ssl);

}  // namespace headgate::proxy
