#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::bench {

/// All that the upstream says, rendered once: bytes ready to be sent. The shapes are those of
/// OpenAI's API reference: "The chat completion object" and "The chat completion chunk object".
struct Answers {
    /// A chat.completion of about 600 bytes with its head.
    std::string completion;
    /// The head of an event stream (chunked) and the event that names the role.
    std::string stream_start;
    /// One event each, as one HTTP chunk; event i says "word<i> ".
    std::vector<std::string> words;
    /// The events finish_reason, usage and [DONE], and the end of the body.
    std::string stream_end;
};

Answers make_answers(std::size_t words);

/// A 200 with `json`, or an error answer of OpenAI's shape; both keep the connection.
std::string json_answer(std::string_view json);
std::string error_answer(std::string_view status, std::string_view message);

/// Whether the request body asks for a stream: a member "stream" that is true, spaces allowed.
bool asks_for_stream(std::string_view body);

}  // namespace headgate::bench
