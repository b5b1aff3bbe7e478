#include "providers/simulator/call.h"
#include "providers/simulator/content_filter.h"
#include "providers/simulator/fields.h"
#include "providers/simulator/json_writer.h"
#include "providers/simulator/picture.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

/// What a picture of gpt-image-1 costs in output tokens, by size and quality (OpenAI's guide to
/// image generation).
struct ImagePrice {
    std::string_view size;
    std::int64_t low;
    std::int64_t medium;
    std::int64_t high;
};

constexpr std::array kImagePrices = {
    ImagePrice{"1024x1024", 272, 1056, 4160},
    ImagePrice{"1024x1536", 408, 1584, 6240},
    ImagePrice{"1536x1024", 400, 1568, 6208},
};
constexpr std::array<std::string_view, 6> kOtherSizes = {"auto",      "256x256",   "512x512",
                                                         "1792x1024", "1024x1792", ""};

/// A request for pictures. `auto` has been settled.
struct Pictures {
    bool is_gpt_image = false;
    bool is_url = false;
    std::int64_t n = 1;
    std::int64_t partials = 0;
    std::string_view prompt;
    std::string_view size;
    std::string_view quality;
    std::string_view background;

    std::uint64_t seed(std::int64_t index) const {
        return hash_of(prompt) + static_cast<std::uint64_t>(index);
    }
    std::int64_t tokens_each() const {
        const auto* row = std::ranges::find(kImagePrices, size, &ImagePrice::size);
        const ImagePrice& price = row == kImagePrices.end() ? kImagePrices.front() : *row;
        return quality == "low" ? price.low : quality == "high" ? price.high : price.medium;
    }
};

void check_size(Fields& fields, std::string_view size) {
    const bool is_known =
        std::ranges::find(kImagePrices, size, &ImagePrice::size) != kImagePrices.end() ||
        std::ranges::find(kOtherSizes, size) != kOtherSizes.end();
    if (!is_known) {
        fields.refuse(unsupported_value("size", size,
                                        "'1024x1024', '1024x1536', '1536x1024', 'auto', '256x256', "
                                        "'512x512', '1792x1024', and '1024x1792'"));
    }
}

Pictures read_pictures(Fields& fields, const Call& call) {
    constexpr std::int64_t kMostPictures = 10;
    constexpr std::int64_t kMostPartials = 3;
    constexpr std::size_t kLongestPrompt = 32'000;
    Pictures pictures;
    const std::string_view model = fields.text("model");
    // The name of an Azure deployment tells nothing, unless the operator made it do so.
    pictures.is_gpt_image = model.empty() || model.contains("gpt-image") ||
                            (call.is_azure() && !model.contains("dall-e"));
    pictures.n = fields.integer("n", 1, kMostPictures).value_or(1);
    pictures.partials = fields.integer("partial_images", 0, kMostPartials).value_or(0);
    pictures.prompt = fields.text("prompt", kLongestPrompt);
    if (fields["prompt"].is_null()) {
        fields.refuse(missing_parameter("prompt"));
    }
    const std::string_view size = fields.text("size");
    check_size(fields, size);
    pictures.size = size.empty() || size == "auto" ? "1024x1024" : size;
    const std::string_view quality = fields.text("quality");
    pictures.quality = quality == "low" || quality == "high" ? quality : "medium";
    pictures.background = fields.text("background") == "transparent" ? "transparent" : "opaque";
    const std::string_view format = fields.text("response_format");
    if (!format.empty() && format != "url" && format != "b64_json") {
        fields.refuse(unsupported_value("response_format", format, "'url' and 'b64_json'"));
    }
    if (!format.empty() && pictures.is_gpt_image) {
        fields.refuse(bad_request("Unknown parameter: 'response_format'.", "response_format",
                                  "unknown_parameter"));
    }
    pictures.is_url = !pictures.is_gpt_image && format != "b64_json";
    return pictures;
}

void check_stream(Fields& fields, const Pictures& pictures) {
    if (!pictures.is_gpt_image) {
        fields.refuse(bad_request("Streaming is not supported for this model.", "stream",
                                  "unsupported_value"));
    }
    if (pictures.n > 1) {
        fields.refuse(bad_request("Streaming is only supported with n=1.", "n"));
    }
}

void write_usage(JsonWriter& json, const Pictures& pictures) {
    const std::int64_t input = count_tokens(pictures.prompt);
    const std::int64_t output = pictures.tokens_each() * pictures.n;
    json.key("usage").begin_object().key("input_tokens").integer(input);
    json.key("input_tokens_details").begin_object().key("text_tokens").integer(input);
    json.key("image_tokens").integer(0).end_object();
    json.key("output_tokens").integer(output);
    json.key("output_tokens_details").begin_object().key("text_tokens").integer(0);
    json.key("image_tokens").integer(output).end_object();
    json.key("total_tokens").integer(input + output).end_object();
}

/// What OpenAI tells about the picture. The bytes are always a PNG, so that is what is said.
void write_settings(JsonWriter& json, const Pictures& pictures) {
    json.key("background").text(pictures.background).key("output_format").text("png");
    json.key("quality").text(pictures.quality).key("size").text(pictures.size);
}

std::string whole(const Pictures& pictures, Call& call) {
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("created").integer(call.created);
    if (pictures.is_gpt_image) {
        write_settings(json, pictures);
    }
    json.key("data").begin_array();
    for (std::int64_t i = 0; i < pictures.n; ++i) {
        json.begin_object();
        if (pictures.is_url) {
            json.key("revised_prompt").text(pictures.prompt);
            json.key("url").text(made_id("https://images.example.com/img-", 24, call.ids) + ".png");
        } else {
            json.key("b64_json").text(base64_of(small_png(pictures.seed(i))));
        }
        if (call.is_azure()) {
            json.key("content_filter_results").raw(picture_filter_report());
            json.key("prompt_filter_results").raw(prompt_filter_report());
        }
        json.end_object();
    }
    json.end_array();
    if (pictures.is_gpt_image) {
        write_usage(json, pictures);
    }
    json.end_object();
    return out;
}

WireScript streamed(const Pictures& pictures, const Call& call) {
    EventStream stream{call};
    for (std::int64_t i = 0; i <= pictures.partials; ++i) {
        const bool is_last = i == pictures.partials;
        const std::string_view type =
            is_last ? "image_generation.completed" : "image_generation.partial_image";
        std::string out;
        JsonWriter json{out};
        json.begin_object().key("type").text(type);
        // What is not finished looks different: a picture of its own.
        const std::uint64_t seed =
            pictures.seed(0) ^ (is_last ? 0U : static_cast<std::uint64_t>(i + 1) << 32);
        json.key("b64_json").text(base64_of(small_png(seed)));
        json.key("created_at").integer(call.created);
        write_settings(json, pictures);
        if (is_last) {
            write_usage(json, pictures);
        } else {
            json.key("partial_image_index").integer(i);
        }
        json.end_object();
        stream.tick();
        stream.event(type, out);
    }
    return stream.finish();
}

}  // namespace

OrError<WireScript> answer_images(Call& call) {
    Fields fields{call.body};
    const Pictures pictures = read_pictures(fields, call);
    const bool is_stream = fields.boolean("stream");
    if (is_stream) {
        check_stream(fields, pictures);
    }
    if (const auto& error = fields.error(); error) {
        return std::unexpected{*error};
    }
    return is_stream ? streamed(pictures, call) : plain_answer(call, whole(pictures, call));
}

}  // namespace headgate::providers
