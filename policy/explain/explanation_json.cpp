#include "policy/explain/explain.h"
#include "providers/contract/api_error.h"

namespace headgate::policy {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    providers::append_json_escaped(out, text);
    return out + "\"";
}

std::string quoted_or_null(std::string_view text) {
    return text.empty() ? "null" : quoted(text);
}

std::string quoted(const providers::Money& money) {
    return quoted(money.to_string());
}

/// A status as a number, `connect`, `timeout` and `cut` as a string.
std::string result_value(const std::string& result) {
    const bool is_status =
        !result.empty() && result.find_first_not_of("0123456789") == std::string::npos;
    return is_status ? result : quoted(result);
}

std::string object(const Explanation::RouteLine& line) {
    return R"({"name":)" + quoted(line.name) + R"(,"matched":)" +
           (line.matched ? "true" : "false") + R"(,"because":)" + quoted(line.because) + "}";
}

std::string object(const Explanation::AttemptLine& line) {
    return R"({"provider":)" + quoted(line.provider) + R"(,"model":)" + quoted(line.model) +
           R"(,"result":)" + result_value(line.result) + "}";
}

std::string object(const Explanation::SkippedLine& line) {
    return R"({"provider":)" + quoted(line.provider) + R"(,"model":)" + quoted(line.model) +
           R"(,"reason":)" + quoted(line.reason) + "}";
}

std::string object(const Explanation::PriceLine& line) {
    return R"({"input":)" + quoted(line.input) + R"(,"output":)" + quoted(line.output) +
           R"(,"cached_input":)" + quoted(line.cached_input) + R"(,"source":)" +
           quoted(line.source) + "}";
}

std::string object(const Explanation::LimitLine& line) {
    return R"({"scope":)" + quoted(to_string(line.scope)) + R"(,"model":)" + quoted(line.model) +
           R"(,"kind":)" + quoted(to_string(line.kind)) + R"(,"limit":)" +
           std::to_string(line.limit) + R"(,"remaining":)" + std::to_string(line.remaining) +
           R"(,"takes":)" + std::to_string(line.takes) + "}";
}

std::string object(const Explanation::ReservationLine& line) {
    return R"({"input_tokens":)" + std::to_string(line.input_tokens) + R"(,"output_tokens":)" +
           std::to_string(line.output_tokens) + R"(,"usd":)" +
           (line.usd ? quoted(*line.usd) : "null") + "}";
}

template <class Line>
std::string array(const std::vector<Line>& lines) {
    std::string out = "[";
    for (const Line& line : lines) {
        out += (out.size() == 1 ? "" : ",") + object(line);
    }
    return out + "]";
}

template <class Line>
std::string object_or_null(const std::optional<Line>& line) {
    return line ? object(*line) : "null";
}

}  // namespace

std::string to_json(const Explanation& explanation) {
    std::string out = R"({"served":)";
    out += explanation.served ? "true" : "false";
    out += R"(,"status":)" + std::to_string(explanation.status);
    out += R"(,"code":)" + quoted_or_null(explanation.code);
    out += R"(,"route":)" + quoted_or_null(explanation.route);
    out += R"(,"routes":)" + array(explanation.routes);
    out += R"(,"attempts":)" + array(explanation.attempts);
    out += R"(,"skipped":)" + array(explanation.skipped);
    out += R"(,"limits":)" + array(explanation.limits);
    out += R"(,"reservation":)" + object_or_null(explanation.reservation);
    out += R"(,"price":)" + object_or_null(explanation.price);
    // No policy has caches or parameters that may be dropped yet.
    out += R"(,"cache":"off","drops":[])";
    if (explanation.cost) {
        out += R"(,"cost_usd":)" + quoted(*explanation.cost);
    }
    return out + "}";
}

}  // namespace headgate::policy
