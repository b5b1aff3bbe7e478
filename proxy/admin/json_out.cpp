#include "proxy/admin/json_out.h"

#include "providers/contract/api_error.h"

namespace headgate::proxy {

std::string quoted(std::string_view text) {
    return providers::quoted_json(text);
}

std::string quoted_or_null(std::string_view text) {
    return text.empty() ? "null" : quoted(text);
}

}  // namespace headgate::proxy
