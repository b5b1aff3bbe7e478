#include "providers/contract/token_estimate.h"

#include "providers/contract/json_reader.h"
#include "providers/contract/prompt_walk.h"
#include "providers/contract/schema_tokens.h"
#include "providers/contract/text_tokens.h"
#include "providers/contract/understand_fields.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::providers {
namespace {

constexpr std::int64_t kMilli = 1'000;

constexpr std::size_t kFullyRead = 65'536;  // bytes of text
constexpr std::size_t kSamples = 32;
constexpr std::size_t kSampleSize = kFullyRead / kSamples;

// For the guess.
constexpr std::int64_t kMessageFrame = 4;         // <|im_start|> role \n … <|im_end|>
constexpr std::int64_t kAnswerHead = 3;           // <|im_start|> assistant <|message|>
constexpr std::int64_t kTypicalImage = 765;       // 1024 by 1024 pixels: 85 + 4 tiles of 170
constexpr std::size_t kSoundBytesAToken = 2'000;  // base64 of 100 ms, between MP3 and WAV
constexpr std::size_t kFileBytesAToken = 50;      // base64 of a PDF page: 75 KB, 1,500 tokens

// For the bound; see the header.
constexpr std::int64_t kDearestImage = 2'833 + 8 * 5'667;
constexpr std::int64_t kTemplate = 256;
constexpr std::int64_t kToolTemplate = 768;
constexpr std::int64_t kTextFrame = 2;      // what embedding models put around a text
constexpr std::int64_t kPictureFrame = 64;  // what image models tell beyond a prompt: 6 to 13

constexpr std::int64_t count(std::size_t bytes) {
    return static_cast<std::int64_t>(bytes);
}

/// Guesses the tokens of texts that are given one by one: all of them, or where their sum is known
/// to be large evenly spread samples.
class TextSampler {
public:
    /// `total`: the bytes of all texts, or 0 to read each whole.
    explicit TextSampler(std::size_t total) : stride_{total / kSamples} {}

    void add(std::string_view raw) {
        const std::size_t begin = passed_;
        passed_ += raw.size();
        if (stride_ <= kSampleSize) {
            sampled_ += raw.size();
            milli_ += guess_tokens_of_json(raw);
            return;
        }
        for (std::size_t window = begin / stride_ * stride_; window < passed_; window += stride_) {
            const std::size_t from = std::max(window, begin);
            const std::size_t to = std::min(window + kSampleSize, passed_);
            if (from < to) {
                sampled_ += to - from;
                milli_ += guess_tokens_of_json(raw.substr(from - begin, to - from));
            }
        }
    }

    std::size_t passed() const { return passed_; }

    std::int64_t milli_tokens() const {
        if (sampled_ == passed_ || sampled_ == 0) {
            return milli_;
        }
        __extension__ using Wide = __int128;
        return static_cast<std::int64_t>(static_cast<Wide>(milli_) * count(passed_) /
                                         count(sampled_));
    }

private:
    std::size_t stride_;
    std::size_t passed_ = 0;
    std::size_t sampled_ = 0;
    std::int64_t milli_ = 0;
};

/// What a walk over the prompt adds up. A sink of PromptWalk.
class InputTally {
public:
    explicit InputTally(std::size_t total_text) : texts_{total_text} {}

    void text(const JsonReader& reader) {
        texts_.add(reader.raw());
        text_bytes_ += count(reader.raw().size());
        ++text_count_;
    }

    void token_id(const JsonReader& /*reader*/) { ++token_ids_; }

    void image(const JsonReader& reader) {
        ++images_;
        image_bytes_ += count(reader.raw().size());
    }

    void sound(const JsonReader& reader) { media_ += sound_tokens(reader.raw().size()); }

    void attachment(const JsonReader& reader) {
        is_bounded_ = false;
        media_ += count(reader.raw().size() / kFileBytesAToken);
    }

    void remote() {
        is_bounded_ = false;
        media_ += kTypicalImage;  // the commonest of them
    }

    /// Texts below keys that the prompt's shape does not name: a tool call's name and arguments, a
    /// refusal, a text part's text.
    bool other(JsonReader& reader) {
        const int depth = reader.depth();
        bool is_label = false;
        do {
            const JsonToken token = reader.next();
            if (token == JsonToken::key) {
                is_label = reader.raw() == "id" || reader.raw() == "type";
            } else if (token == JsonToken::string && !is_label) {
                text(reader);
            }
            if (token == JsonToken::error || token == JsonToken::end) {
                return false;
            }
            is_label = is_label && token == JsonToken::key;
        } while (reader.depth() > depth);
        return true;
    }

    std::size_t sampled_texts() const { return texts_.passed(); }
    std::int64_t text_bytes() const { return text_bytes_; }
    std::int64_t text_count() const { return text_count_; }
    std::int64_t token_ids() const { return token_ids_; }
    std::int64_t images() const { return images_; }
    std::int64_t image_bytes() const { return image_bytes_; }
    bool is_bounded() const { return is_bounded_; }

    std::int64_t guess() const {
        return (texts_.milli_tokens() + kMilli - 1) / kMilli + token_ids_ + media_ +
               images_ * kTypicalImage;
    }

private:
    static std::int64_t sound_tokens(std::size_t bytes) {
        return 1 + count(bytes / kSoundBytesAToken);
    }

    TextSampler texts_;
    std::int64_t text_bytes_ = 0;
    std::int64_t text_count_ = 0;
    std::int64_t token_ids_ = 0;
    std::int64_t images_ = 0;
    std::int64_t image_bytes_ = 0;
    std::int64_t media_ = 0;
    bool is_bounded_ = true;
};

bool has_messages(Operation operation) {
    return operation == Operation::chat_completions || operation == Operation::responses;
}

/// One pass over a body that understand() has taken.
class Estimator {
public:
    Estimator(const ApiRequest& request, std::size_t total_text)
        : request_{request}, reader_{request.body}, tally_{total_text} {}

    TokenEstimate estimate() {
        if (reader_.next() == JsonToken::begin_object) {
            while (reader_.next() == JsonToken::key && member()) {
            }
        }
        const bool is_bounded = tally_.is_bounded() && !request_.has_remote_content;
        const Tokens guess{framed_guess()};
        const Tokens bound{has_messages(operation()) ? bound_by_body() : bound_by_texts()};
        return {.guess = is_bounded ? std::min(guess, bound) : guess,
                .at_most = bound,
                .is_bounded = is_bounded};
    }

    std::size_t text_bytes() const { return tally_.sampled_texts(); }

private:
    Operation operation() const { return request_.endpoint->operation; }

    /// Passes a member of the body whose key has been read.
    bool member() {
        std::string decoded;
        std::string_view key = reader_.raw();
        if (reader_.has_escapes()) {
            decoded = reader_.text();
            key = decoded;
        }
        const FieldRule* const rule = field_rule(key, *request_.endpoint);
        if (rule != nullptr && rule->field == Field::prompt) {
            reader_.next();
            return PromptWalk{reader_, tally_}.prompt(operation(), messages_);
        }
        const bool is_chat = operation() == Operation::chat_completions;
        const bool is_responses = operation() == Operation::responses;
        if ((rule != nullptr && rule->field == Field::tools) || (is_chat && key == "functions")) {
            has_tools_ = true;
            return rendered([this] { return guess_tools(reader_, schema_milli_); });
        }
        if ((is_chat && key == "response_format") || (is_responses && key == "text")) {
            return rendered(
                [this] { return guess_answer_format(reader_, request_.body, schema_milli_); });
        }
        if (is_responses && key == "instructions") {
            ++instructions_;
            return tally_.other(reader_);
        }
        const bool is_text = operation() == Operation::completions && key == "suffix";
        return is_text ? tally_.other(reader_) : reader_.skip();
    }

    /// Passes a value that the provider renders anew.
    template <class Pass>
    bool rendered(Pass pass) {
        const std::size_t begin = reader_.range().end;
        const bool is_passed = pass();
        rendered_bytes_ += count(reader_.range().end - begin);
        return is_passed;
    }

    std::int64_t framed_guess() const {
        const std::int64_t schemas = (schema_milli_ + kMilli - 1) / kMilli;
        const std::int64_t frames =
            has_messages(operation())
                ? (count(messages_) + instructions_) * kMessageFrame + kAnswerHead
                : 0;
        return tally_.guess() + schemas + frames;
    }

    std::int64_t bound_by_body() const {
        return count(request_.body.size()) - tally_.image_bytes() + rendered_bytes_ +
               tally_.images() * kDearestImage + kTemplate + (has_tools_ ? kToolTemplate : 0);
    }

    std::int64_t bound_by_texts() const {
        const std::int64_t frame = operation() == Operation::image_generations ? kPictureFrame : 0;
        if (tally_.text_count() + tally_.token_ids() + tally_.images() == 0) {
            return frame + kTextFrame;  // no prompt is <|endoftext|>
        }
        return frame + tally_.text_bytes() + tally_.text_count() * kTextFrame + tally_.token_ids() +
               tally_.images() * kDearestImage;
    }

    const ApiRequest& request_;
    JsonReader reader_;
    InputTally tally_;
    std::size_t messages_ = 0;
    std::int64_t instructions_ = 0;
    std::int64_t schema_milli_ = 0;
    std::int64_t rendered_bytes_ = 0;
    bool has_tools_ = false;
};

}  // namespace

TokenEstimate estimate_input(const ApiRequest& request) {
    if (request.content_bytes <= kFullyRead) {
        return Estimator{request, 0}.estimate();
    }
    // Samples spread over pictures and files as well would lie too far apart in the text.
    Estimator first{request, request.content_bytes};
    const TokenEstimate estimate = first.estimate();
    return first.text_bytes() >= request.content_bytes / 2
               ? estimate
               : Estimator{request, first.text_bytes()}.estimate();
}

}  // namespace headgate::providers
