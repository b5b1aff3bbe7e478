#pragma once

#include "providers/contract/json_splice.h"

#include <string>
#include <string_view>

namespace headgate::providers {

/// What goes to a provider, without what belongs to the connection: proxy/net adds Host, length
/// and keep-alive. Header values are checked again before they are written.
struct UpstreamRequest {
    std::string_view method = "POST";
    std::string path;  // base path and endpoint, percent-encoded
    std::string_view accept = "application/json";
    SplicedText body;
    bool expects_stream = false;
};

}  // namespace headgate::providers
