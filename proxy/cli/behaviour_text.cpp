#include "proxy/cli/behaviour_text.h"

#include "policy/config/scalars.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>

namespace headgate::proxy {
namespace {

using providers::Behaviour;
using providers::Fault;
using Error = std::unexpected<std::string>;

constexpr std::int64_t kMaxCount = 1'000'000'000;

std::expected<std::chrono::milliseconds, std::string> duration(std::string_view name,
                                                               std::string_view text) {
    const auto parsed = policy::parse_duration(text);
    if (!parsed) {
        return Error{std::string{name} + ": " + parsed.error()};
    }
    return *parsed;
}

std::expected<std::int64_t, std::string> count(std::string_view name, std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0 ||
        value > kMaxCount) {
        return Error{std::string{name} + ": \"" + std::string{text} + "\" is not a count"};
    }
    return value;
}

std::expected<double, std::string> rate(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
        return Error{"fail: the rate \"" + std::string{text} + "\" is not a number from 0 to 1"};
    }
    return value;
}

/// "429" or "429:0.1".
std::expected<Fault, std::string> status_fault(std::string_view text) {
    Fault fault;
    const std::size_t colon = text.find(':');
    const auto status = count("fail", text.substr(0, colon));
    if (!status || *status < 400 || *status > 599) {
        return Error{"fail: \"" + std::string{text} +
                     "\" is not STATUS[:RATE] with a status from 400 to 599"};
    }
    fault.status = static_cast<int>(*status);
    if (colon != std::string_view::npos) {
        const auto share = rate(text.substr(colon + 1));
        if (!share) {
            return Error{share.error()};
        }
        fault.rate = *share;
    }
    return fault;
}

std::string_view text_of(const rapidjson::Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

std::expected<Fault, std::string> fault_from_json(const rapidjson::Value& value) {
    if (value.IsString()) {
        return status_fault(text_of(value));
    }
    if (!value.IsObject()) {
        return Error{"fail: each entry is an object or STATUS[:RATE]"};
    }
    Fault fault;
    for (const auto& [key, member] : value.GetObject()) {
        const std::string_view name = text_of(key);
        if (name == "status" && member.IsInt() && member.GetInt() >= 400 &&
            member.GetInt() <= 599) {
            fault.status = member.GetInt();
        } else if (name == "rate" && member.IsNumber() && member.GetDouble() >= 0 &&
                   member.GetDouble() <= 1) {
            fault.rate = member.GetDouble();
        } else if (name == "cut_after" && member.IsInt64() && member.GetInt64() >= 0) {
            fault.cut_after = member.GetInt64();
        } else if ((name == "delay" || name == "retry_after") && member.IsString()) {
            const auto parsed = duration("fail." + std::string{name}, text_of(member));
            if (!parsed) {
                return Error{parsed.error()};
            }
            (name == "delay" ? fault.delay : fault.retry_after) = *parsed;
        } else {
            return Error{"fail." + std::string{name} + " is not known or has a wrong value"};
        }
    }
    const int kinds = int{fault.status.has_value()} + int{fault.delay.has_value()} +
                      int{fault.cut_after.has_value()};
    if (kinds != 1) {
        return Error{"fail: each entry has exactly one of status, delay and cut_after"};
    }
    return fault;
}

std::expected<void, std::string> change(Behaviour& behaviour,
                                        std::string_view name,
                                        const rapidjson::Value& value) {
    if ((name == "first_byte" || name == "token_delay") && value.IsString()) {
        const auto parsed = duration(name, text_of(value));
        if (!parsed) {
            return Error{parsed.error()};
        }
        (name == "first_byte" ? behaviour.first_byte : behaviour.token_delay) = *parsed;
        return {};
    }
    if (name == "tokens" && value.IsInt64() && value.GetInt64() >= 0 &&
        value.GetInt64() <= kMaxCount) {
        behaviour.tokens = value.GetInt64();
        return {};
    }
    if (name == "fail" && value.IsArray()) {
        behaviour.fail.clear();
        for (const auto& entry : value.GetArray()) {
            auto fault = fault_from_json(entry);
            if (!fault) {
                return Error{fault.error()};
            }
            behaviour.fail.push_back(*fault);
        }
        return {};
    }
    return Error{std::string{name} +
                 " is not known or has a wrong value; known are first_byte and token_delay "
                 "(\"50ms\"), tokens (a number) and fail (a list)"};
}

std::string spelled(std::chrono::milliseconds time) {
    return std::to_string(time.count()) + "ms";
}

}  // namespace

std::expected<Behaviour, std::string> behaviour_from_options(const SimulateOptions& options) {
    Behaviour behaviour;
    const auto first_byte = duration("--first-byte", options.first_byte);
    const auto token_delay = duration("--token-delay", options.token_delay);
    const auto tokens = count("--tokens", options.tokens);
    if (!first_byte || !token_delay || !tokens) {
        return Error{!first_byte    ? first_byte.error()
                     : !token_delay ? token_delay.error()
                                    : tokens.error()};
    }
    behaviour.first_byte = *first_byte;
    behaviour.token_delay = *token_delay;
    behaviour.tokens = *tokens;
    if (!options.fail.empty()) {
        auto fault = status_fault(options.fail);
        if (!fault) {
            return Error{"--" + fault.error()};
        }
        behaviour.fail.push_back(*fault);
    }
    if (!options.retry_after.empty()) {
        const auto wait = duration("--retry-after", options.retry_after);
        if (!wait || behaviour.fail.empty()) {
            return Error{wait ? "--retry-after belongs to --fail" : wait.error()};
        }
        behaviour.fail.back().retry_after = *wait;
    }
    if (!options.cut_after.empty()) {
        const auto after = count("--cut-after", options.cut_after);
        if (!after) {
            return Error{after.error()};
        }
        behaviour.fail.emplace_back().cut_after = *after;
    }
    return behaviour;
}

std::expected<Behaviour, std::string> behaviour_from_json(std::string_view json,
                                                          Behaviour current) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
    if (document.HasParseError() || !document.IsObject()) {
        return Error{"the body must be a JSON object"};
    }
    for (const auto& [key, value] : document.GetObject()) {
        if (auto changed = change(current, text_of(key), value); !changed) {
            return Error{changed.error()};
        }
    }
    return current;
}

std::string behaviour_to_json(const Behaviour& behaviour) {
    rapidjson::StringBuffer out;
    rapidjson::Writer<rapidjson::StringBuffer> writer{out};
    writer.StartObject();
    writer.Key("first_byte");
    writer.String(spelled(behaviour.first_byte).c_str());
    writer.Key("token_delay");
    writer.String(spelled(behaviour.token_delay).c_str());
    writer.Key("tokens");
    writer.Int64(behaviour.tokens);
    writer.Key("fail");
    writer.StartArray();
    for (const Fault& fault : behaviour.fail) {
        writer.StartObject();
        if (fault.status) {
            writer.Key("status");
            writer.Int(*fault.status);
        }
        if (fault.delay) {
            writer.Key("delay");
            writer.String(spelled(*fault.delay).c_str());
        }
        if (fault.cut_after) {
            writer.Key("cut_after");
            writer.Int64(*fault.cut_after);
        }
        if (fault.retry_after) {
            writer.Key("retry_after");
            writer.String(spelled(*fault.retry_after).c_str());
        }
        writer.Key("rate");
        writer.Double(fault.rate);
        writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
    return {out.GetString(), out.GetSize()};
}

}  // namespace headgate::proxy
