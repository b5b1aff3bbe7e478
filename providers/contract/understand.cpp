#include "providers/contract/api_request.h"
#include "providers/contract/json_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace headgate::providers {
namespace {

constexpr std::int64_t kMaxChoices = 128;
constexpr std::int64_t kMaxOutputCap = std::numeric_limits<std::int32_t>::max();

enum class Field : std::uint8_t {
    model,
    stream,
    stream_options,
    max_tokens,
    max_completion_tokens,
    max_output_tokens,
    n,
    best_of,
    temperature,
    seed,
    service_tier,
    user,
    store,
    previous_response_id,
    background,
    tools,
};

constexpr unsigned bit(Operation operation) {
    return 1U << static_cast<unsigned>(operation);
}

constexpr unsigned kChat = bit(Operation::chat_completions);
constexpr unsigned kCompletions = bit(Operation::completions);
constexpr unsigned kResponses = bit(Operation::responses);
constexpr unsigned kImages = bit(Operation::image_generations);
constexpr unsigned kEvery = std::numeric_limits<unsigned>::max();

/// A field that we read, and the operations that have it. In all others it passes unread.
struct Rule {
    std::string_view name;
    Field field;
    unsigned operations;
};

constexpr Rule kRules[] = {
    {"model", Field::model, kEvery},
    {"stream", Field::stream, kChat | kCompletions | kResponses | kImages},
    {"stream_options", Field::stream_options, kChat | kCompletions},
    {"max_tokens", Field::max_tokens, kChat | kCompletions},
    {"max_completion_tokens", Field::max_completion_tokens, kChat},
    {"max_output_tokens", Field::max_output_tokens, kResponses},
    {"n", Field::n, kChat | kCompletions | kImages},
    {"best_of", Field::best_of, kChat | kCompletions},  // compatible servers: in chat, too
    {"temperature", Field::temperature, kChat | kCompletions | kResponses},
    {"seed", Field::seed, kChat | kCompletions},
    {"service_tier", Field::service_tier, kChat | kCompletions | kResponses},
    {"user", Field::user, kEvery},
    {"store", Field::store, kChat | kResponses},
    {"previous_response_id", Field::previous_response_id, kResponses},
    {"background", Field::background, kResponses},
    {"tools", Field::tools, kChat | kResponses},
};

const Rule* rule_for(std::string_view key, const Endpoint& endpoint) {
    const Rule* const rule = std::ranges::find(kRules, key, &Rule::name);
    if (rule == std::end(kRules) || (rule->operations & bit(endpoint.operation)) == 0) {
        return nullptr;
    }
    return rule->field == Field::stream && !endpoint.may_stream ? nullptr : rule;
}

std::string_view kind_of(JsonToken token) {
    switch (token) {
        case JsonToken::begin_object:
            return "an object";
        case JsonToken::begin_array:
            return "an array";
        case JsonToken::string:
            return "a string";
        case JsonToken::number:
            return "a number";
        case JsonToken::true_value:
        case JsonToken::false_value:
            return "a boolean";
        default:
            return "null";
    }
}

bool is_integer(std::string_view number) {
    return number.find_first_of(".eE") == std::string_view::npos;
}

ApiError invalid_json(std::string_view problem, std::size_t offset) {
    std::string message = "The request body is not valid JSON: ";
    message.append(problem).append(" at byte ").append(std::to_string(offset)).append(".");
    return {
        .code = ErrorCode::invalid_json, .message = std::move(message), .param = {}, .allow = {}};
}

ApiError invalid_request(std::string message, std::string_view param) {
    return {.code = ErrorCode::invalid_request,
            .message = std::move(message),
            .param = std::string{param},
            .allow = {}};
}

/// Reads one body. The functions that read return false on a mistake: `error_` tells it, or the
/// reader's fault.
class BodyReader {
public:
    BodyReader(const Endpoint& endpoint, Bytes body) : reader_{body} {
        request_.endpoint = &endpoint;
        request_.body = body;
    }

    Result<ApiRequest> read();

private:
    bool read_members();
    bool read_field(const Rule& rule);
    bool read_model();
    bool read_stream_options();
    bool read_include_usage();
    bool read_bool(std::string_view name, bool& value);
    bool read_integer(std::string_view name, std::int64_t high, std::optional<std::int64_t>& value);
    bool read_seed();
    bool read_temperature();
    bool read_string(std::string_view name, std::string_view& value);
    bool count_tools();

    bool wrong_type(std::string_view name, std::string_view wanted);
    bool refuse(ApiError error);
    ApiError mistake() const;
    std::string_view text();

    JsonReader reader_;
    ApiRequest request_;
    std::optional<ApiError> error_;
    std::shared_ptr<std::forward_list<std::string>> unescaped_;
    bool has_model_key_ = false;
};

Result<ApiRequest> BodyReader::read() {
    const JsonToken first = reader_.next();
    if (first != JsonToken::begin_object) {
        if (!reader_.finish()) {
            return std::unexpected{mistake()};
        }
        return std::unexpected{invalid_request(
            std::string{"The request body must be a JSON object; it is "}.append(kind_of(first)) +
                ".",
            {})};
    }
    request_.after_open = reader_.range().end;
    if (!read_members() || !reader_.finish()) {
        return std::unexpected{mistake()};
    }
    if (request_.model.empty()) {
        return std::unexpected{
            invalid_request("The field 'model' is missing: it names the model to ask.", "model")};
    }
    request_.content_bytes = reader_.string_bytes();
    request_.unescaped = std::move(unescaped_);
    return std::move(request_);
}

bool BodyReader::read_members() {
    request_.is_empty_object = true;
    std::string decoded;
    while (reader_.next() == JsonToken::key) {
        request_.is_empty_object = false;
        std::string_view key = reader_.raw();
        if (reader_.has_escapes()) {
            decoded = reader_.text();
            key = decoded;
        }
        const Rule* const rule = rule_for(key, *request_.endpoint);
        if (rule == nullptr ? !reader_.skip() : !read_field(*rule)) {
            return false;
        }
    }
    return reader_.token() == JsonToken::end_object;
}

bool BodyReader::read_field(const Rule& rule) {
    switch (rule.field) {
        case Field::model:
            return read_model();
        case Field::stream:
            return read_bool(rule.name, request_.stream);
        case Field::stream_options:
            return read_stream_options();
        case Field::max_tokens:
            return read_integer(rule.name, kMaxOutputCap, request_.max_tokens);
        case Field::max_completion_tokens:
            return read_integer(rule.name, kMaxOutputCap, request_.max_completion_tokens);
        case Field::max_output_tokens:
            return read_integer(rule.name, kMaxOutputCap, request_.max_output_tokens);
        case Field::n:
            return read_integer(rule.name, kMaxChoices, request_.n);
        case Field::best_of:
            return read_integer(rule.name, kMaxChoices, request_.best_of);
        case Field::temperature:
            return read_temperature();
        case Field::seed:
            return read_seed();
        case Field::service_tier:
            return read_string(rule.name, request_.service_tier);
        case Field::user:
            return read_string(rule.name, request_.user);
        case Field::store:
            return read_bool(rule.name, request_.store);
        case Field::previous_response_id: {
            std::string_view id;
            const bool is_read = read_string(rule.name, id);
            request_.has_previous_response_id = reader_.token() == JsonToken::string;
            return is_read;
        }
        case Field::background:
            return read_bool(rule.name, request_.background);
        case Field::tools:
            return count_tools();
    }
    return false;
}

bool BodyReader::read_model() {
    // Two models could be charged as one and answered by the other.
    if (std::exchange(has_model_key_, true)) {
        return refuse(invalid_json("'model' stands twice, again", reader_.range().begin));
    }
    const JsonToken token = reader_.next();
    if (token == JsonToken::null_value) {
        return true;
    }
    if (token != JsonToken::string) {
        return wrong_type("model", "a string");
    }
    if (reader_.has_lone_surrogate()) {
        return refuse(invalid_request(
            "Invalid value for 'model': it has half a surrogate pair, which is no character.",
            "model"));
    }
    request_.model_value = reader_.range();
    request_.model = text();
    if (!is_model_name(request_.model)) {
        return refuse(invalid_request(
            "Invalid value for 'model': a name has 1 to 256 characters of A-Z, a-z, 0-9 and "
            "._:/@+-, does not begin with '/' and has no '..' segment.",
            "model"));
    }
    return true;
}

bool BodyReader::read_stream_options() {
    request_.stream_options = request_.stream_options_null = request_.include_usage_value = {};
    request_.include_usage = request_.stream_options_is_empty = false;
    const JsonToken token = reader_.next();
    const std::size_t begin = reader_.range().begin;
    if (token == JsonToken::null_value) {
        request_.stream_options_null = reader_.range();
        return true;
    }
    if (token != JsonToken::begin_object) {
        return wrong_type("stream_options", "an object");
    }
    request_.stream_options_is_empty = true;
    while (reader_.next() == JsonToken::key) {
        request_.stream_options_is_empty = false;
        if (reader_.is("include_usage") ? !read_include_usage() : !reader_.skip()) {
            return false;
        }
    }
    request_.stream_options = {begin, reader_.range().end};
    return reader_.token() == JsonToken::end_object;
}

bool BodyReader::read_include_usage() {
    const bool is_read = read_bool("stream_options.include_usage", request_.include_usage);
    request_.include_usage_value = reader_.range();
    return is_read;
}

bool BodyReader::read_bool(std::string_view name, bool& value) {
    const JsonToken token = reader_.next();
    value = token == JsonToken::true_value;
    return value || token == JsonToken::false_value || token == JsonToken::null_value ||
           wrong_type(name, "true or false");
}

bool BodyReader::read_integer(std::string_view name,
                              std::int64_t high,
                              std::optional<std::int64_t>& value) {
    value.reset();
    const JsonToken token = reader_.next();
    if (token == JsonToken::null_value) {
        return true;
    }
    std::int64_t number = 0;
    if (token == JsonToken::number && reader_.integer(number) && number >= 1 && number <= high) {
        value = number;
        return true;
    }
    return wrong_type(name, "an integer from 1 to " + std::to_string(high));
}

bool BodyReader::read_seed() {
    const JsonToken token = reader_.next();
    request_.has_seed = token == JsonToken::number && is_integer(reader_.raw());
    return request_.has_seed || token == JsonToken::null_value || wrong_type("seed", "an integer");
}

bool BodyReader::read_temperature() {
    const JsonToken token = reader_.next();
    request_.temperature = token == JsonToken::number ? reader_.raw() : std::string_view{};
    return token == JsonToken::number || token == JsonToken::null_value ||
           wrong_type("temperature", "a number");
}

bool BodyReader::read_string(std::string_view name, std::string_view& value) {
    const JsonToken token = reader_.next();
    value = token == JsonToken::string ? text() : std::string_view{};
    return token == JsonToken::string || token == JsonToken::null_value ||
           wrong_type(name, "a string");
}

bool BodyReader::count_tools() {
    request_.tools = 0;
    const JsonToken token = reader_.next();
    if (token == JsonToken::null_value) {
        return true;
    }
    if (token != JsonToken::begin_array) {
        return wrong_type("tools", "an array");
    }
    for (JsonToken item = reader_.next(); item != JsonToken::end_array; item = reader_.next()) {
        if (item == JsonToken::error) {
            return false;
        }
        const bool is_container = item == JsonToken::begin_object || item == JsonToken::begin_array;
        if (is_container && !reader_.leave(reader_.depth())) {
            return false;
        }
        ++request_.tools;
    }
    return true;
}

/// Tells what stands where `wanted` should. A fault of the reader is told as such.
bool BodyReader::wrong_type(std::string_view name, std::string_view wanted) {
    if (reader_.fault() != JsonFault::none) {
        return false;
    }
    constexpr std::size_t kShownDigits = 24;
    const bool is_shown =
        reader_.token() == JsonToken::number && reader_.raw().size() <= kShownDigits;
    std::string message = "Invalid value for '";
    message.append(name).append("': it must be ").append(wanted).append("; it is ");
    message.append(is_shown ? reader_.raw() : kind_of(reader_.token())).append(".");
    return refuse(invalid_request(std::move(message), name));
}

bool BodyReader::refuse(ApiError error) {
    error_ = std::move(error);
    return false;
}

ApiError BodyReader::mistake() const {
    return error_ ? *error_ : invalid_json(to_string(reader_.fault()), reader_.fault_offset());
}

/// The string's text: in the body where it has no escapes, else in `unescaped_`.
std::string_view BodyReader::text() {
    if (!reader_.has_escapes()) {
        return reader_.raw();
    }
    if (unescaped_ == nullptr) {
        unescaped_ = std::make_shared<std::forward_list<std::string>>();
    }
    return unescaped_->emplace_front(reader_.text());
}

}  // namespace

Result<ApiRequest> understand(const Endpoint& endpoint, Bytes body) {
    return BodyReader{endpoint, body}.read();
}

}  // namespace headgate::providers
