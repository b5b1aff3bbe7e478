#include "providers/contract/api_request.h"
#include "providers/contract/json_reader.h"
#include "providers/contract/prompt_walk.h"
#include "providers/contract/understand_fields.h"

#include <limits>
#include <utility>

namespace headgate::providers {
namespace {

constexpr std::int64_t kMaxChoices = 128;
constexpr std::int64_t kMaxOutputCap = std::numeric_limits<std::int32_t>::max();

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

/// What a walk over the prompt leaves in the request.
class PromptFacts {
public:
    explicit PromptFacts(ApiRequest& request) : request_{request} {}

    void text(const JsonReader& /*reader*/) {}
    void token_id(const JsonReader& /*reader*/) {}
    void sound(const JsonReader& /*reader*/) {}
    void attachment(const JsonReader& /*reader*/) {}
    void image(const JsonReader& /*reader*/) { ++request_.inline_images; }
    void remote() { request_.has_remote_content = true; }
    bool other(JsonReader& reader) { return reader.skip(); }

private:
    ApiRequest& request_;
};

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
    bool read_field(const FieldRule& rule);
    bool read_model();
    bool read_prompt();
    bool read_remote_content();
    bool read_stream_options();
    bool read_include_usage();
    bool read_bool(std::string_view name, bool& value);
    bool read_integer(std::string_view name, std::int64_t high, std::optional<std::int64_t>& value);
    bool read_seed();
    bool read_temperature();
    bool read_string(std::string_view name, std::string_view& value);
    bool read_tools();
    bool read_tool();

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
        const FieldRule* const rule = field_rule(key, *request_.endpoint);
        if (rule == nullptr ? !reader_.skip() : !read_field(*rule)) {
            return false;
        }
    }
    return reader_.token() == JsonToken::end_object;
}

bool BodyReader::read_field(const FieldRule& rule) {
    switch (rule.field) {
        case Field::model:
            return read_model();
        case Field::prompt:
            return read_prompt();
        case Field::remote_content:
            return read_remote_content();
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
            request_.has_remote_content |= request_.has_previous_response_id;
            return is_read;
        }
        case Field::background:
            return read_bool(rule.name, request_.background);
        case Field::tools:
            return read_tools();
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

/// Of any type: what does not fit is for the provider to tell.
bool BodyReader::read_prompt() {
    const JsonToken first = reader_.next();
    const std::size_t begin = reader_.range().begin;
    PromptFacts facts{request_};
    PromptWalk walk{reader_, facts};
    if (!walk.prompt(request_.endpoint->operation, request_.messages)) {
        return false;
    }
    request_.prompt = {begin, reader_.range().end};
    if (first == JsonToken::null_value) {
        request_.prompt = {};
    }
    return true;
}

bool BodyReader::read_remote_content() {
    if (!reader_.skip()) {
        return false;
    }
    request_.has_remote_content |= reader_.token() != JsonToken::null_value;
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

bool BodyReader::read_tools() {
    request_.tools = 0;
    const JsonToken token = reader_.next();
    if (token == JsonToken::null_value) {
        return true;
    }
    if (token != JsonToken::begin_array) {
        return wrong_type("tools", "an array");
    }
    while (reader_.next() != JsonToken::end_array) {
        if (!read_tool()) {
            return false;
        }
        ++request_.tools;
    }
    return true;
}

/// Passes the tool whose first token has been read. All but functions run at the provider, and what
/// they find is input as well.
bool BodyReader::read_tool() {
    if (reader_.token() == JsonToken::begin_array) {
        return reader_.leave(reader_.depth());
    }
    if (reader_.token() != JsonToken::begin_object) {
        return reader_.token() != JsonToken::error;
    }
    while (reader_.next() == JsonToken::key) {
        const bool is_type = reader_.is("type");
        if (!reader_.skip()) {
            return false;
        }
        if (is_type && reader_.token() == JsonToken::string) {
            request_.has_remote_content |= !reader_.is("function") && !reader_.is("custom");
        }
    }
    return reader_.token() == JsonToken::end_object;
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
