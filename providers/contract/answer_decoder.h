#pragma once

#include "providers/base/bytes.h"
#include "providers/base/tokens.h"
#include "providers/contract/api_request.h"
#include "providers/contract/result.h"
#include "providers/contract/target.h"
#include "providers/contract/upstream_request.h"
#include "providers/contract/usage.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace headgate::providers {

/// A longer `service_tier` of an answer is none.
inline constexpr std::size_t kMaxServiceTier = 32;

/// How a stream stands. `open` until feed() or finish() says otherwise; the first other value
/// stays.
enum class StreamState : std::uint8_t {
    open,
    complete,        // the finish marker came: ends cleanly for the client
    cut,             // the provider broke off before its finish marker
    invalid,         // an event that the wire format does not allow
    provider_error,  // the provider told an error inside the stream; it has been passed on
};

/// Reads one streamed answer. Independent of how the bytes were split. No I/O, no clock.
///
/// Invariants: 1. What is appended to `out` is whole events, each valid. 2. After the state left
/// `open` nothing more is appended but by the call that left it. 3. At most 16 MiB are held.
class StreamDecoder {
public:
    virtual ~StreamDecoder() = default;

    /// Takes the next bytes of the provider's body (chunk framing removed) and appends what the
    /// client may have to `out`. On `invalid` the closing error event has been appended.
    virtual StreamState feed(Bytes bytes, std::string& out) = 0;

    /// The provider's body has ended: `is_clean` where its framing said so. Appends what is still
    /// owed: a missing `[DONE]`, or the error event of a stream that was cut.
    virtual StreamState finish(bool is_clean, std::string& out) = 0;

    /// What the provider has told so far. Told in the midst of a stream it stands for the text
    /// before; our count of the text behind it is added then (is_estimated): to a stream that has
    /// ended whole only where what was told is less than what was seen.
    virtual Usage usage() const = 0;

    /// The tier that served the request (`service_tier`), as far as the stream has told; empty: it
    /// has not. At most kMaxServiceTier bytes.
    virtual std::string_view service_tier() const = 0;

    /// Our own count of the text seen so far (AnswerTokens): content, refusals, reasoning as far as
    /// it is sent, names and arguments of tool calls.
    virtual Tokens content_tokens() const = 0;
    /// Whole events seen.
    virtual std::size_t events() const = 0;
};

/// What an unstreamed answer is.
struct PlainAnswer {
    bool is_valid = false;  // JSON of the shape that the endpoint promises
    std::string problem;    // why not, for the operator's log; never the answer's own text
    Usage usage;
    std::string service_tier;  // as StreamDecoder::service_tier()
    Tokens content_tokens;     // as StreamDecoder::content_tokens()
};

/// A provider's own error, made fit for a client of OpenAI.
struct ProviderError {
    std::string body;            // {"error":{…}}: the provider's bytes where they had that shape
    std::string code;            // `error.code` or "", for the ledger row
    bool is_credential = false;  // the operator's key was refused (401, 403 for the key)
    bool is_quota = false;       // the operator's account has no money or quota left
    bool is_daily = false;       // a 429 for a quota of the day, not of the minute
};

/// One wire format. Stateless; one object a kind, shared by all threads.
class Adapter {
public:
    virtual ~Adapter() = default;

    /// The header field that carries the credential, its name in lower case. `secret` is the
    /// provider's key or, where the policy names a token_file, what stands in it.
    virtual std::pair<std::string_view, std::string> credential_field(
        const Provider& provider, std::string_view secret) const = 0;

    /// Where a GET lists the provider's models, free of charge: path and query.
    virtual std::string models_path(const Provider& provider) const = 0;

    /// unsupported_parameter with `param` for what the wire format cannot express.
    /// The result looks into `request.body` and static storage.
    virtual Result<UpstreamRequest> encode(const ApiRequest& request,
                                           const Target& target) const = 0;

    /// Judges a whole 2xx answer. `body` passes to the client as it is where it is valid.
    virtual PlainAnswer decode(const ApiRequest& request, Bytes body) const = 0;

    virtual std::unique_ptr<StreamDecoder> stream_decoder(const ApiRequest& request) const = 0;

    /// `status` is 400 or above. A body that is not an OpenAI error is wrapped into one; ids of
    /// organizations and anything that looks like a key are masked.
    virtual ProviderError decode_error(int status, Bytes body) const = 0;
};

}  // namespace headgate::providers
