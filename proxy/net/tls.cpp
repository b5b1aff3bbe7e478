#include "proxy/net/tls.h"

#include "proxy/net/egress.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <new>

namespace headgate::proxy {
namespace {

/// Where a context keeps its ClientTls.
int owner_index() {
    static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return kIndex;
}

}  // namespace

std::expected<std::shared_ptr<const TlsTrust>, std::string> TlsTrust::load(
    const TlsSettings& settings) {
    const std::shared_ptr<TlsTrust> made{new TlsTrust};
    made->verifies_ = settings.verify;
    made->store_ = X509_STORE_new();
    if (made->store_ == nullptr) {
        return std::unexpected{"OpenSSL gave no memory"};
    }
    const int trusted =
        settings.ca_file.empty()
            ? X509_STORE_set_default_paths(made->store_)
            : X509_STORE_load_locations(made->store_, settings.ca_file.c_str(), nullptr);
    if (trusted != 1) {
        ERR_clear_error();
        return std::unexpected{
            "no certificate authority could be read from " +
            (settings.ca_file.empty() ? std::string{"the system's store"} : settings.ca_file)};
    }
    return made;
}

TlsTrust::~TlsTrust() {
    X509_STORE_free(store_);
}

ClientTls::ClientTls(std::shared_ptr<const TlsTrust> trust)
    : trust_{std::move(trust)}, context_{SSL_CTX_new(TLS_client_method())} {
    if (context_ == nullptr) {
        throw std::bad_alloc{};
    }
    SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_, &ClientTls::keep_session);
    SSL_CTX_set_ex_data(context_, owner_index(), this);
    SSL_CTX_set_verify(context_, trust_->verifies() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set1_cert_store(context_, trust_->store());
}

ClientTls::~ClientTls() {
    SSL_SESSION_free(session_);
    SSL_CTX_free(context_);
}

SSL* ClientTls::open(const std::string& host) {
    SSL* ssl = SSL_new(context_);
    if (ssl == nullptr) {
        return nullptr;
    }
    SSL_set_connect_state(ssl);
    SocketAddress literal;
    bool is_bound = false;
    X509_VERIFY_PARAM* check = SSL_get0_param(ssl);
    if (parse_address(host, 0, literal)) {
        is_bound = X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str()) == 1;
    } else {
        X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        is_bound = SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 &&
                   X509_VERIFY_PARAM_set1_host(check, host.c_str(), host.size()) == 1;
    }
    if (!is_bound) {
        // Without it any valid certificate would do.
        SSL_free(ssl);
        return nullptr;
    }
    if (session_ != nullptr) {
        SSL_set_session(ssl, session_);
    }
    return ssl;
}

int ClientTls::keep_session(SSL* ssl, SSL_SESSION* session) {
    auto* self = static_cast<ClientTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), owner_index()));
    SSL_SESSION_free(self->session_);
    self->session_ = session;
    return 1;  // the reference is ours now
}

std::string handshake_problem(SSL* ssl) {
    const long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
        return X509_verify_cert_error_string(verdict);
    }
    const unsigned long error = ERR_peek_last_error();
    const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
    ERR_clear_error();
    return reason != nullptr ? reason : "the connection broke during the handshake";
}

}  // namespace headgate::proxy
