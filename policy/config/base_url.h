#pragma once

#include "policy/config/scalars.h"
#include "providers/contract/provider.h"

#include <string>
#include <string_view>

namespace headgate::policy {

/// Takes a `base_url` apart: http or https, a host, an optional port, an optional path (RFC 3986;
/// percent-encoding is kept, a trailing `/` dropped). Refused: user name or password, query,
/// fragment, `.` and `..` segments, empty segments, hosts that are numbers but no dotted IPv4
/// address, link-local and reserved addresses, more than 2048 bytes. The host comes in lower case.
Parsed<providers::BaseUrl> parse_base_url(std::string_view text);

/// Takes the URL of a webhook apart: as a base URL, but with its whole path and query in
/// `base_path`, which is at least "/".
Parsed<providers::BaseUrl> parse_webhook_url(std::string_view text);

/// Whether `url` itself names a private or loopback address, or `localhost`.
bool names_private_address(const providers::BaseUrl& url);

}  // namespace headgate::policy
