#include "providers/simulator/call.h"
#include "providers/simulator/fields.h"
#include "providers/simulator/json_writer.h"
#include "providers/simulator/prompts.h"

#include <bit>
#include <cmath>

namespace headgate::providers {
namespace {

constexpr std::size_t kMostInputs = 2048;
constexpr std::int64_t kMostDimensions = 10'000;
constexpr std::int64_t kMostNumbers = 8'000'000;  // in all vectors of an answer together

std::int64_t default_dimensions(std::string_view model) {
    return model.contains("embedding-3-large") ? 3072 : 1536;
}

/// Of unit length. The first numbers of a long vector point as a short one of the same text does,
/// as with OpenAI's own models.
std::vector<float> vector_of(std::uint64_t hash, std::int64_t dimensions) {
    Random random{hash};
    std::vector<double> raw(static_cast<std::size_t>(dimensions));
    double square = 0;
    for (double& number : raw) {
        number = random.fraction() * 2 - 1;
        square += number * number;
    }
    if (square == 0) {
        raw.front() = square = 1;
    }
    std::vector<float> unit;
    unit.reserve(raw.size());
    for (const double number : raw) {
        unit.push_back(static_cast<float>(number / std::sqrt(square)));
    }
    return unit;
}

/// Little-endian IEEE 754 single precision, whatever the machine's order.
std::string bytes_of(const std::vector<float>& numbers) {
    std::string bytes;
    bytes.reserve(numbers.size() * 4);
    for (const float number : numbers) {
        const auto bits = std::bit_cast<std::uint32_t>(number);
        for (int shift = 0; shift < 32; shift += 8) {
            bytes += static_cast<char>(bits >> shift & 0xffU);
        }
    }
    return bytes;
}

void write_vector(JsonWriter& json, const std::vector<float>& numbers, bool is_base64) {
    if (is_base64) {
        json.text(base64_of(bytes_of(numbers)));
        return;
    }
    json.begin_array();
    for (const float number : numbers) {
        json.number(number);
    }
    json.end_array();
}

OrError<std::vector<Prompt>> read_input(JsonView input) {
    if (input.is_null()) {
        return std::unexpected{missing_parameter("input")};
    }
    auto prompts = read_prompts(input, "input", kMostInputs);
    if (!prompts) {
        return prompts;
    }
    for (const Prompt& prompt : *prompts) {
        if (prompt.tokens == 0) {
            return std::unexpected{bad_request("'input' cannot be an empty string.", "input")};
        }
    }
    return prompts;
}

}  // namespace

OrError<WireScript> answer_embeddings(Call& call) {
    Fields fields{call.body};
    const std::string_view model = fields.model();
    const auto dimensions =
        fields.integer("dimensions", 1, kMostDimensions).value_or(default_dimensions(model));
    const std::string_view format = fields.text("encoding_format");
    if (!format.empty() && format != "float" && format != "base64") {
        fields.refuse(unsupported_value("encoding_format", format, "'float' and 'base64'"));
    }
    if (const auto& error = fields.error(); error) {
        return std::unexpected{*error};
    }
    const auto prompts = read_input(call.body["input"]);
    if (!prompts) {
        return std::unexpected{prompts.error()};
    }
    if (static_cast<std::int64_t>(prompts->size()) * dimensions > kMostNumbers) {
        return std::unexpected{bad_request("Invalid 'input': too many inputs for vectors of " +
                                               std::to_string(dimensions) + " dimensions.",
                                           "input")};
    }
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("object").text("list").key("data").begin_array();
    std::int64_t index = 0;
    std::int64_t tokens = 0;
    for (const Prompt& prompt : *prompts) {
        json.begin_object().key("object").text("embedding").key("index").integer(index++);
        json.key("embedding");
        write_vector(json, vector_of(prompt.hash, dimensions), format == "base64");
        json.end_object();
        tokens += prompt.tokens;
    }
    json.end_array().key("model").text(model).key("usage").begin_object();
    json.key("prompt_tokens").integer(tokens).key("total_tokens").integer(tokens).end_object();
    json.end_object();
    return plain_answer(call, std::move(out));
}

}  // namespace headgate::providers
