#include "providers/simulator/content_filter.h"

#include "providers/contract/json_reader.h"
#include "providers/simulator/json_writer.h"
#include "providers/simulator/wire_script.h"

namespace headgate::providers {
namespace {

bool is_prompt_key(const JsonReader& reader) {
    return reader.is("messages") || reader.is("prompt") || reader.is("input") ||
           reader.is("instructions");
}

bool holds_filtered_words(const JsonReader& reader) {
    return reader.has_escapes() ? reader.text().contains(kFilteredWords)
                                : reader.raw().contains(kFilteredWords);
}

/// Passes the next value; true where a string in it holds the words.
bool passes_filtered_value(JsonReader& reader) {
    const int depth = reader.depth();
    bool is_found = false;
    do {
        const JsonToken token = reader.next();
        if (token == JsonToken::error || token == JsonToken::end) {
            return false;
        }
        is_found = is_found || (token == JsonToken::string && holds_filtered_words(reader));
    } while (reader.depth() > depth);
    return is_found;
}

}  // namespace

std::string_view prompt_filter_report() {
    return R"({"hate":{"filtered":false,"severity":"safe"},)"
           R"("jailbreak":{"detected":false,"filtered":false},)"
           R"("self_harm":{"filtered":false,"severity":"safe"},)"
           R"("sexual":{"filtered":false,"severity":"safe"},)"
           R"("violence":{"filtered":false,"severity":"safe"}})";
}

std::string_view choice_filter_report() {
    return R"({"hate":{"filtered":false,"severity":"safe"},)"
           R"("protected_material_code":{"detected":false,"filtered":false},)"
           R"("protected_material_text":{"detected":false,"filtered":false},)"
           R"("self_harm":{"filtered":false,"severity":"safe"},)"
           R"("sexual":{"filtered":false,"severity":"safe"},)"
           R"("violence":{"filtered":false,"severity":"safe"}})";
}

std::string_view picture_filter_report() {
    return R"({"hate":{"filtered":false,"severity":"safe"},)"
           R"("self_harm":{"filtered":false,"severity":"safe"},)"
           R"("sexual":{"filtered":false,"severity":"safe"},)"
           R"("violence":{"filtered":false,"severity":"safe"}})";
}

std::string prompt_filter_results(std::size_t prompts) {
    std::string out;
    JsonWriter json{out};
    json.begin_array();
    for (std::size_t i = 0; i < prompts; ++i) {
        json.begin_object().key("prompt_index").integer(static_cast<std::int64_t>(i));
        json.key("content_filter_results").raw(prompt_filter_report()).end_object();
    }
    json.end_array();
    return out;
}

std::string prompt_filter_chunk(std::size_t prompts) {
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("choices").begin_array().end_array();
    json.key("created").integer(0).key("id").text("").key("model").text("").key("object").text("");
    json.key("prompt_filter_results").raw(prompt_filter_results(prompts)).end_object();
    return out;
}

std::string response_content_filters(std::size_t input_bytes) {
    std::string out;
    JsonWriter json{out};
    json.begin_array().begin_object().key("blocked").boolean(false);
    json.key("source_type").text("prompt").key("content_filter_raw").begin_array().end_array();
    json.key("content_filter_results").raw(prompt_filter_report());
    json.key("content_filter_offsets").begin_object().key("start_offset").integer(0);
    json.key("end_offset").integer(static_cast<std::int64_t>(input_bytes));
    json.key("check_offset").integer(0).end_object().end_object().end_array();
    return out;
}

bool is_filtered(std::string_view body) {
    JsonReader reader{body};
    if (reader.next() != JsonToken::begin_object) {
        return false;
    }
    bool is_found = false;
    while (reader.next() == JsonToken::key) {
        if (is_prompt_key(reader)) {
            is_found = passes_filtered_value(reader) || is_found;
        } else {
            reader.skip();
        }
    }
    return is_found;
}

std::string_view filtered_prompt_error() {
    return R"({"error":{"message":"The response was filtered due to the prompt triggering Azure )"
           R"(OpenAI's content management policy. Please modify your prompt and retry. To learn )"
           R"(more about our content filtering policies please read our documentation: )"
           R"(https://go.microsoft.com/fwlink/?linkid=2198766","type":null,"param":"prompt",)"
           R"("code":"content_filter","status":400,"innererror":{"code":)"
           R"("ResponsibleAIPolicyViolation","content_filter_result":{)"
           R"("hate":{"filtered":false,"severity":"safe"},)"
           R"("jailbreak":{"detected":false,"filtered":false},)"
           R"("self_harm":{"filtered":false,"severity":"safe"},)"
           R"("sexual":{"filtered":false,"severity":"safe"},)"
           R"("violence":{"filtered":true,"severity":"medium"}}}}})";
}

}  // namespace headgate::providers
