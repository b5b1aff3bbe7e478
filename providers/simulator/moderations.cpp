#include "providers/simulator/call.h"
#include "providers/simulator/fields.h"
#include "providers/simulator/json_writer.h"

#include <array>

namespace headgate::providers {
namespace {

constexpr std::size_t kMostInputs = 2048;

/// A category, the word in a text that flags it, and whether it is judged on pictures too.
struct Category {
    std::string_view name;
    std::string_view trigger;
    bool takes_images;
};

constexpr std::array kCategories = {
    Category{"harassment", "idiot", false},
    Category{"harassment/threatening", "watch your back", false},
    Category{"hate", "hate", false},
    Category{"hate/threatening", "hate and kill", false},
    Category{"illicit", "steal", false},
    Category{"illicit/violent", "bomb", false},
    Category{"self-harm", "hurt myself", true},
    Category{"self-harm/instructions", "how to hurt myself", true},
    Category{"self-harm/intent", "i will hurt myself", true},
    Category{"sexual", "sexual", true},
    Category{"sexual/minors", "sexual minor", false},
    Category{"violence", "kill", true},
    Category{"violence/graphic", "blood and guts", true},
};

/// What one result judges.
struct Judged {
    std::string text;  // lower case
    bool has_text = false;
    bool has_image = false;

    void add(std::string_view more) {
        for (const char c : more) {
            text += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
        text += '\n';
        has_text = true;
    }
    bool flags(const Category& category) const { return text.contains(category.trigger); }
};

OrError<void> add_part(JsonView part, Judged& judged) {
    const std::string_view type = part["type"].text();
    if (type == "text" && part["text"].is_string()) {
        judged.add(part["text"].text());
        return {};
    }
    if (type == "image_url" && part["image_url"]["url"].is_string()) {
        judged.has_image = true;
        return {};
    }
    return std::unexpected{unsupported_value("input", type, "'text' and 'image_url'")};
}

/// A string or an array of strings gives a result each; typed parts give one together.
OrError<std::vector<Judged>> read_input(JsonView input) {
    std::vector<Judged> results;
    if (input.is_null()) {
        return std::unexpected{missing_parameter("input")};
    }
    if (input.is_string()) {
        results.emplace_back().add(input.text());
        return results;
    }
    if (!input.is_array()) {
        return std::unexpected{wrong_type("input", "a string or an array", input)};
    }
    if (input.size() == 0 || input.size() > kMostInputs) {
        return std::unexpected{input.size() == 0
                                   ? empty_array("input")
                                   : array_too_long("input", kMostInputs, input.size())};
    }
    const bool is_parts = input.at(0).is_object();
    for (std::size_t i = 0; i < input.size(); ++i) {
        if (is_parts ? !input.at(i).is_object() : !input.at(i).is_string()) {
            return std::unexpected{
                wrong_type("input", is_parts ? "an object" : "a string", input.at(i))};
        }
        if (!is_parts) {
            results.emplace_back().add(input.at(i).text());
            continue;
        }
        if (results.empty()) {
            results.emplace_back();
        }
        if (auto added = add_part(input.at(i), results.back()); !added) {
            return std::unexpected{added.error()};
        }
    }
    return results;
}

void write_result(JsonWriter& json, const Judged& judged) {
    bool is_flagged = false;
    json.begin_object().key("categories").begin_object();
    for (const Category& category : kCategories) {
        is_flagged = is_flagged || judged.flags(category);
        json.key(category.name).boolean(judged.flags(category));
    }
    json.end_object().key("category_scores").begin_object();
    Random random{hash_of(judged.text)};
    for (const Category& category : kCategories) {
        const double doubt = random.fraction() / 100;
        json.key(category.name).number(judged.flags(category) ? 1 - doubt : doubt);
    }
    json.end_object().key("category_applied_input_types").begin_object();
    for (const Category& category : kCategories) {
        json.key(category.name).begin_array();
        if (judged.has_text) {
            json.text("text");
        }
        if (judged.has_image && category.takes_images) {
            json.text("image");
        }
        json.end_array();
    }
    json.end_object().key("flagged").boolean(is_flagged).end_object();
}

}  // namespace

OrError<WireScript> answer_moderation(Call& call) {
    Fields fields{call.body};
    std::string_view model = fields.text("model");
    if (const auto& error = fields.error(); error) {
        return std::unexpected{*error};
    }
    const auto results = read_input(call.body["input"]);
    if (!results) {
        return std::unexpected{results.error()};
    }
    if (model.empty()) {
        model = "omni-moderation-latest";
    }
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("id").text(made_id("modr-", 29, call.ids)).key("model").text(model);
    json.key("results").begin_array();
    for (const Judged& judged : *results) {
        write_result(json, judged);
    }
    json.end_array().end_object();
    return plain_answer(call, std::move(out));
}

}  // namespace headgate::providers
