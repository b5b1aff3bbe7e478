#include "providers/simulator/prompts.h"

namespace headgate::providers {
namespace {

OpenAiError unreadable(std::string_view name, JsonView given) {
    return wrong_type(name,
                      "a string, an array of strings, an array of integers, or an array of arrays "
                      "of integers",
                      given);
}

Prompt from_text(std::string_view text) {
    return {std::string{text}, count_tokens(text), hash_of(text)};
}

OrError<Prompt> from_numbers(JsonView numbers, std::string_view name) {
    Prompt prompt;
    prompt.hash = kHashStart;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto number = numbers.at(i).integer();
        if (!number || *number < 0) {
            return std::unexpected{unreadable(name, numbers.at(i))};
        }
        if (i != 0) {
            prompt.text += ' ';
        }
        prompt.text += Random{static_cast<std::uint64_t>(*number)}.word();
        prompt.hash = hash_of(std::to_string(*number) + ' ', prompt.hash);
    }
    prompt.tokens = static_cast<std::int64_t>(numbers.size());
    return prompt;
}

}  // namespace

OrError<std::vector<Prompt>> read_prompts(JsonView given, std::string_view name, std::size_t most) {
    std::vector<Prompt> prompts;
    if (given.is_null()) {
        return prompts;
    }
    if (given.is_string()) {
        prompts.push_back(from_text(given.text()));
        return prompts;
    }
    if (!given.is_array()) {
        return std::unexpected{unreadable(name, given)};
    }
    if (given.size() == 0) {
        return std::unexpected{empty_array(name)};
    }
    const bool is_one = given.at(0).is_number();
    if (!is_one && given.size() > most) {
        return std::unexpected{array_too_long(name, most, given.size())};
    }
    for (std::size_t i = 0; i < (is_one ? 1 : given.size()); ++i) {
        const JsonView item = is_one ? given : given.at(i);
        if (item.is_string()) {
            prompts.push_back(from_text(item.text()));
            continue;
        }
        if (!item.is_array() || item.size() == 0) {
            return std::unexpected{unreadable(name, item)};
        }
        auto prompt = from_numbers(item, name);
        if (!prompt) {
            return std::unexpected{prompt.error()};
        }
        prompts.push_back(std::move(*prompt));
    }
    return prompts;
}

}  // namespace headgate::providers
