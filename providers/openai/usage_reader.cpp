#include "providers/openai/usage_reader.h"

#include "providers/openai/json_walk.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace headgate::providers::openai {
namespace {

/// Far above any context window, far below where sums of counts leave 64 bits.
constexpr std::int64_t kMaxCount = std::int64_t{1} << 40;

struct Names {
    std::string_view input;
    std::string_view output;
    std::string_view input_details;
    std::string_view output_details;
};

constexpr Names kCompletionNames{.input = "prompt_tokens",
                                 .output = "completion_tokens",
                                 .input_details = "prompt_tokens_details",
                                 .output_details = "completion_tokens_details"};
constexpr Names kResponseNames{.input = "input_tokens",
                               .output = "output_tokens",
                               .input_details = "input_tokens_details",
                               .output_details = "output_tokens_details"};

const Names& names_of(UsageShape shape) {
    const bool is_completion = shape == UsageShape::completion || shape == UsageShape::embedding;
    return is_completion ? kCompletionNames : kResponseNames;
}

/// A count and its parts, as told.
struct Side {
    std::optional<std::int64_t> whole;
    std::int64_t cached = 0;
    std::int64_t cache_write = 0;
    std::int64_t reasoning = 0;
    std::int64_t audio = 0;
    std::optional<std::int64_t> image;

    std::int64_t largest_part() const {
        return std::max({cached, cache_write, reasoning, audio, image.value_or(0)});
    }
};

class UsageObject {
public:
    explicit UsageObject(JsonReader& reader) : reader_{reader} {}

    void read(const Names& names) {
        while (reader_.next() == JsonToken::key) {
            if (reader_.is(names.input)) {
                input_.whole = count();
            } else if (reader_.is(names.output)) {
                output_.whole = count();
            } else if (reader_.is("total_tokens")) {
                total_ = count();
            } else if (reader_.is(names.input_details)) {
                read_parts(input_);
            } else if (reader_.is(names.output_details)) {
                read_parts(output_);
            } else {
                reader_.skip();
            }
        }
    }

    Usage classes(UsageShape shape) {
        if (shape == UsageShape::embedding) {
            output_.whole = output_.whole.value_or(0);
        }
        if (!is_believable_ || !input_.whole || !output_.whole) {
            return {};
        }
        const bool is_reasoning_beside =
            output_.reasoning > 0 && total_ == *input_.whole + *output_.whole + output_.reasoning;
        if (is_reasoning_beside) {
            *output_.whole += output_.reasoning;
        }
        if (input_.largest_part() > *input_.whole || output_.largest_part() > *output_.whole) {
            return {};
        }
        if (shape == UsageShape::image && !output_.image) {
            output_.image = output_.whole;
        }
        return disjoint(*input_.whole, *output_.whole);
    }

private:
    /// The next value as a count; none for null and for what is not believed.
    std::optional<std::int64_t> count() {
        const JsonToken token = reader_.next();
        std::int64_t value = 0;
        if (token == JsonToken::number && reader_.integer(value) && value >= 0 &&
            value <= kMaxCount) {
            return value;
        }
        is_believable_ = is_believable_ && token == JsonToken::null_value;
        leave_value(reader_);
        return std::nullopt;
    }

    void read_parts(Side& side) {
        if (reader_.next() != JsonToken::begin_object) {
            is_believable_ = is_believable_ && reader_.token() == JsonToken::null_value;
            leave_value(reader_);
            return;
        }
        while (reader_.next() == JsonToken::key) {
            if (reader_.is("cached_tokens")) {
                side.cached = count().value_or(0);
            } else if (reader_.is("cache_write_tokens")) {
                side.cache_write = count().value_or(0);
            } else if (reader_.is("reasoning_tokens")) {
                side.reasoning = count().value_or(0);
            } else if (reader_.is("audio_tokens")) {
                side.audio = count().value_or(0);
            } else if (reader_.is("image_tokens")) {
                side.image = count();
            } else {
                reader_.skip();
            }
        }
    }

    Usage disjoint(std::int64_t all_input, std::int64_t all_output) const {
        Usage usage;
        std::int64_t left = all_input;
        const auto take = [&left](std::int64_t part) {
            part = std::min(part, left);
            left -= part;
            return Tokens{part};
        };
        usage.cached_input = take(input_.cached);
        usage.cache_write = take(input_.cache_write);
        usage.audio_input = take(input_.audio);
        usage.image_input = take(input_.image.value_or(0));
        usage.input = Tokens{left};

        left = all_output;
        usage.reasoning = take(output_.reasoning);
        usage.audio_output = take(output_.audio);
        usage.image_output = take(output_.image.value_or(0));
        usage.output = Tokens{left};

        usage.is_reported = true;
        return usage;
    }

    JsonReader& reader_;
    Side input_;
    Side output_;
    std::optional<std::int64_t> total_;
    bool is_believable_ = true;
};

}  // namespace

Usage read_usage(JsonReader& reader, UsageShape shape) {
    UsageObject object{reader};
    object.read(names_of(shape));
    return object.classes(shape);
}

}  // namespace headgate::providers::openai
