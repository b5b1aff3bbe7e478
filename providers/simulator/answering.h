#pragma once

#include "providers/simulator/call.h"
#include "providers/simulator/faults.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::providers {

/// What the answers of all wire formats share. Private to this folder.

/// What one answer draws from the state, always in the same order.
struct Drawn {
    std::int64_t created = 0;
    Random ids{0};
    Trouble trouble;
};
Drawn draw_answer(const Behaviour& behaviour, SimulatorState& state);

/// An operation by its address in OpenAI's API.
struct SimulatedOperation {
    std::string_view method;
    std::string_view path;  // with a '/' at its end: whatever follows is an argument
    OrError<WireScript> (*answer)(Call&);
};
/// Null where there is none.
const SimulatedOperation* find_operation(std::string_view method, std::string_view path);

/// Answers; a POST whose body is no JSON object is a 400.
OrError<WireScript> answer_operation(Call& call, const SimulatedOperation& operation);

WireScript error_answer(int status, std::string json);

/// `wait` as Retry-After has it: whole seconds, rounded up.
std::int64_t whole_seconds(std::chrono::milliseconds wait);
/// Adds retry-after, and retry-after-ms with the exact time.
void add_retry_advice(WireScript& script, std::chrono::milliseconds wait);

std::string_view content_type_of(const WireScript& script);

/// `length` lower-case hexadecimal digits.
std::string made_hex(std::size_t length, Random& ids);

/// As answer_openai(), by Azure's addresses, head and error bodies.
WireScript answer_azure(const SimulatedRequest& request,
                        const Behaviour& behaviour,
                        SimulatorState& state);

}  // namespace headgate::providers
