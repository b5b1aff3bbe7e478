#pragma once

#include "providers/simulator/text.h"
#include "providers/simulator/wire_script.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::providers {

using Json = rapidjson::Document;

inline Json parsed(std::string_view text) {
    Json json;
    json.Parse(text.data(), text.size());
    EXPECT_FALSE(json.HasParseError()) << text;
    return json;
}

/// A provider that says so many tokens.
inline Behaviour saying(std::int64_t tokens) {
    Behaviour behaviour;
    behaviour.tokens = tokens;
    return behaviour;
}

/// A provider that takes its time.
inline Behaviour slow(std::chrono::milliseconds first_byte,
                      std::chrono::milliseconds token_delay,
                      std::int64_t tokens) {
    Behaviour behaviour = saying(tokens);
    behaviour.first_byte = first_byte;
    behaviour.token_delay = token_delay;
    return behaviour;
}

/// Faults that come every time, unless the test sets a rate.
inline Fault status_fault(int status) {
    Fault fault;
    fault.status = status;
    return fault;
}
inline Fault cut_fault(std::int64_t after) {
    Fault fault;
    fault.cut_after = after;
    return fault;
}
inline Behaviour failing(const Fault& fault) {
    Behaviour behaviour;
    behaviour.fail.push_back(fault);
    return behaviour;
}

/// The answer to a POST, from a provider that is as good as new.
inline WireScript post(std::string_view path,
                       std::string_view body,
                       const Behaviour& behaviour = {}) {
    SimulatorState state;
    return answer_openai({"POST", path, body}, behaviour, state);
}

/// The JSON of a 200 that is not streamed.
inline Json post_json(std::string_view path,
                      std::string_view body,
                      const Behaviour& behaviour = {}) {
    const WireScript script = post(path, body, behaviour);
    EXPECT_EQ(script.status, 200) << script.body();
    EXPECT_FALSE(script.is_stream);
    return parsed(script.body());
}

/// `error` of an answer that is no 200.
struct ToldError {
    int status;
    std::string type;
    std::string param;  // "null" for null
    std::string code;
    std::string message;
};
inline ToldError told_error(const WireScript& script) {
    const Json json = parsed(script.body());
    if (!json.IsObject() || !json.HasMember("error")) {
        ADD_FAILURE() << "no error: " << script.body();
        return {script.status, "", "", "", ""};
    }
    const auto text = [&json](const char* name) -> std::string {
        const auto& value = json["error"][name];
        return value.IsString() ? value.GetString() : "null";
    };
    return {script.status, text("type"), text("param"), text("code"), text("message")};
}

/// The `data:` of every event, `[DONE]` included; checks the framing on the way.
inline std::vector<std::string> events_of(const WireScript& script) {
    EXPECT_EQ(script.status, 200) << script.body();
    EXPECT_TRUE(script.is_stream);
    std::vector<std::string> events;
    for (const ScriptStep& step : script.steps) {
        const std::size_t at = step.bytes.find("data: ");
        EXPECT_TRUE(step.bytes.ends_with("\n\n")) << step.bytes;
        EXPECT_EQ(step.bytes.find("\n\n"), step.bytes.size() - 2) << step.bytes;
        events.push_back(step.bytes.substr(at + 6, step.bytes.size() - at - 8));
    }
    return events;
}

inline std::string header(const WireScript& script, std::string_view name) {
    for (const auto& [key, value] : script.headers) {
        if (key == name) {
            return value;
        }
    }
    return "";
}

}  // namespace headgate::providers
