#include "providers/contract/api_request.h"
#include "providers/contract/field_values.h"
#include "providers/contract/prompt_walk.h"
#include "providers/contract/understand_fields.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace headgate::providers {
namespace {

constexpr std::int64_t kMaxChoices = 128;
constexpr std::int64_t kMaxOutputCap = std::numeric_limits<std::int32_t>::max();

/// What a walk over the prompt leaves in the request.
class PromptFacts {
public:
    explicit PromptFacts(ApiRequest& request) : request_{request} {}

    void text(const JsonReader& /*reader*/) {}
    void token_id(const JsonReader& /*reader*/) {}
    void sound(const JsonReader& /*reader*/) { request_.has_sound = true; }
    void attachment(const JsonReader& /*reader*/) { request_.has_sound = true; }
    void image(const JsonReader& /*reader*/) { ++request_.inline_images; }
    void remote() { request_.has_remote_content = true; }
    bool other(JsonReader& reader) { return reader.skip(); }

private:
    ApiRequest& request_;
};

/// Tools that the client runs; all others run at the provider. `namespace` groups functions.
constexpr std::string_view kClientTools[] = {
    "function",    "custom",   "namespace",           "local_shell",
    "apply_patch", "computer", "computer_use_preview"};

/// Reads one body. The functions that read return false on a mistake, which `values_` keeps.
class BodyReader {
public:
    BodyReader(const Endpoint& endpoint, Bytes body) : values_{body}, reader_{values_.reader()} {
        request_.endpoint = &endpoint;
        request_.body = body;
    }

    Result<ApiRequest> read();

private:
    bool read_members();
    bool read_field(const FieldRule& rule);
    bool read_number_field(const FieldRule& rule);
    bool read_picture_field(const FieldRule& rule);
    bool read_model();
    bool read_prompt();
    bool read_presence(bool& is_present);
    bool read_web_search();
    bool read_previous_response(const FieldRule& rule);
    bool read_stream_options();
    bool read_include_usage();
    bool read_cap(std::string_view name, std::optional<std::int64_t>& cap, ByteRange& literal);
    bool read_tools();
    bool read_tool();
    void note_tool();

    FieldValues values_;
    JsonReader& reader_;
    ApiRequest request_;
    bool has_model_key_ = false;
};

Result<ApiRequest> BodyReader::read() {
    const JsonToken first = reader_.next();
    if (first != JsonToken::begin_object) {
        if (!reader_.finish()) {
            return std::unexpected{values_.mistake()};
        }
        return std::unexpected{invalid_request(
            std::string{"The request body must be a JSON object; it is "}.append(kind_of(first)) +
                ".",
            {})};
    }
    request_.after_open = reader_.range().end;
    if (!read_members() || !reader_.finish()) {
        return std::unexpected{values_.mistake()};
    }
    if (request_.model.empty()) {
        return std::unexpected{
            invalid_request("The field 'model' is missing: it names the model to ask.", "model")};
    }
    request_.content_bytes = reader_.string_bytes();
    request_.unescaped = values_.unescaped();
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
            return read_presence(request_.has_remote_content);
        case Field::web_search:
            return read_web_search();
        case Field::stream:
            return values_.read_bool(rule.name, request_.stream);
        case Field::stream_options:
            return read_stream_options();
        case Field::service_tier:
            return values_.read_string(rule.name, request_.service_tier);
        case Field::user:
            return values_.read_string(rule.name, request_.user);
        case Field::store:
            return values_.read_bool(rule.name, request_.store);
        case Field::previous_response_id:
            return read_previous_response(rule);
        case Field::background:
            return values_.read_bool(rule.name, request_.background);
        case Field::tools:
            return read_tools();
        case Field::modalities:
            return values_.read_words(rule.name, "audio", request_.wants_audio);
        case Field::prediction:
            return read_presence(request_.has_prediction);
        default:
            return read_number_field(rule);
    }
}

bool BodyReader::read_number_field(const FieldRule& rule) {
    switch (rule.field) {
        case Field::max_tokens:
            return read_cap(rule.name, request_.max_tokens, request_.max_tokens_value);
        case Field::max_completion_tokens:
            return read_cap(rule.name, request_.max_completion_tokens,
                            request_.max_completion_tokens_value);
        case Field::max_output_tokens:
            return read_cap(rule.name, request_.max_output_tokens,
                            request_.max_output_tokens_value);
        case Field::n:
            return values_.read_integer(rule.name, {.high = kMaxChoices}, request_.n);
        case Field::best_of:
            return values_.read_integer(rule.name, {.high = kMaxChoices}, request_.best_of);
        case Field::temperature:
            return values_.read_number(rule.name, request_.temperature);
        case Field::seed:
            return values_.read_any_integer(rule.name, request_.has_seed);
        default:
            return read_picture_field(rule);
    }
}

bool BodyReader::read_picture_field(const FieldRule& rule) {
    PictureRequest& picture = request_.picture;
    switch (rule.field) {
        case Field::size:
            return values_.read_string(rule.name, picture.size);
        case Field::quality:
            return values_.read_string(rule.name, picture.quality);
        case Field::output_format:
            return values_.read_string(rule.name, picture.format);
        case Field::frame_count:
            return values_.read_integer(rule.name, {.high = kMaxChoices}, picture.frames);
        case Field::partial_images: {
            std::optional<std::int64_t> partials;
            const bool is_read =
                values_.read_integer(rule.name, {.low = 0, .high = kMaxChoices}, partials);
            picture.partials = partials.value_or(0);
            return is_read;
        }
        default:
            return false;
    }
}

bool BodyReader::read_model() {
    // Two models could be charged as one and answered by the other.
    if (std::exchange(has_model_key_, true)) {
        return values_.refuse(invalid_json("'model' stands twice, again", reader_.range().begin));
    }
    const JsonToken token = reader_.next();
    if (token == JsonToken::null_value) {
        return true;
    }
    if (token != JsonToken::string) {
        return values_.wrong_type("model", "a string");
    }
    if (reader_.has_lone_surrogate()) {
        return values_.refuse(invalid_request(
            "Invalid value for 'model': it has half a surrogate pair, which is no character.",
            "model"));
    }
    request_.model_value = reader_.range();
    request_.model = values_.text();
    if (!is_model_name(request_.model)) {
        return values_.refuse(invalid_request(
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

/// Of any type but null. Of a repeated field each one counts.
bool BodyReader::read_presence(bool& is_present) {
    if (!reader_.skip()) {
        return false;
    }
    is_present = is_present || reader_.token() != JsonToken::null_value;
    return true;
}

bool BodyReader::read_web_search() {
    bool is_asked = false;
    const bool is_read = read_presence(is_asked);
    request_.has_remote_content = request_.has_remote_content || is_asked;
    if (is_asked && request_.hosted_tool.empty()) {
        request_.hosted_tool = "web_search";
        request_.hosted_tool_field = "web_search_options";
    }
    return is_read;
}

bool BodyReader::read_previous_response(const FieldRule& rule) {
    std::string_view id;
    const bool is_read = values_.read_string(rule.name, id);
    request_.has_previous_response_id = reader_.token() == JsonToken::string;
    request_.has_remote_content |= request_.has_previous_response_id;
    return is_read;
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
        return values_.wrong_type("stream_options", "an object");
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
    const bool is_read = values_.read_bool("stream_options.include_usage", request_.include_usage);
    request_.include_usage_value = reader_.range();
    return is_read;
}

bool BodyReader::read_cap(std::string_view name,
                          std::optional<std::int64_t>& cap,
                          ByteRange& literal) {
    const bool is_read = values_.read_integer(name, {.high = kMaxOutputCap}, cap);
    literal = reader_.range();
    return is_read;
}

bool BodyReader::read_tools() {
    request_.tools = 0;
    const JsonToken token = reader_.next();
    if (token == JsonToken::null_value) {
        return true;
    }
    if (token != JsonToken::begin_array) {
        return values_.wrong_type("tools", "an array");
    }
    while (reader_.next() != JsonToken::end_array) {
        if (!read_tool()) {
            return false;
        }
        ++request_.tools;
    }
    return true;
}

/// Passes the tool whose first token has been read.
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
            note_tool();
        }
    }
    return reader_.token() == JsonToken::end_object;
}

/// By the type that has just been read. What other tools than functions bring is input as well.
void BodyReader::note_tool() {
    if (reader_.is("function") || reader_.is("custom")) {
        return;
    }
    request_.has_remote_content = true;
    const bool is_clients = std::ranges::any_of(
        kClientTools, [this](std::string_view type) { return reader_.is(type); });
    if (!is_clients && request_.hosted_tool.empty()) {
        request_.hosted_tool = values_.text();
        request_.hosted_tool_field = "tools";
    }
}

}  // namespace

Result<ApiRequest> understand(const Endpoint& endpoint, Bytes body) {
    return BodyReader{endpoint, body}.read();
}

}  // namespace headgate::providers
