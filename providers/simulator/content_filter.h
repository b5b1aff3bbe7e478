#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::providers {

/// What Azure's content filter reports, where it found nothing. Private to this folder.

/// `content_filter_results` of a prompt.
std::string_view prompt_filter_report();
/// `content_filter_results` of a choice.
std::string_view choice_filter_report();
/// `content_filter_results` of one picture.
std::string_view picture_filter_report();

/// `prompt_filter_results` of a request with so many prompts.
std::string prompt_filter_results(std::size_t prompts);

/// The event that comes before the choices of a stream: it reports on the prompts and tells nothing
/// else.
std::string prompt_filter_chunk(std::size_t prompts);

/// `content_filters` of a response to an input of so many bytes.
std::string response_content_filters(std::size_t input_bytes);

/// True where a text of `messages`, `prompt`, `input` or `instructions` holds kFilteredWords.
bool is_filtered(std::string_view body);

/// The body of the 400 that answers such a prompt.
std::string_view filtered_prompt_error();

}  // namespace headgate::providers
