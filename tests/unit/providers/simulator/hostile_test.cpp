#include "tests/unit/providers/simulator/simulated.h"

namespace headgate::providers {
namespace {

constexpr std::string_view kPaths[] = {"/v1/chat/completions", "/v1/completions",
                                       "/v1/embeddings",       "/v1/moderations",
                                       "/v1/responses",        "/v1/images/generations"};

// All fields that any operation reads, so that a change hits something anywhere.
constexpr std::string_view kSeed =
    R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"json \u00e4"}]}],)"
    R"("prompt":["a",[1,2]],"input":[{"role":"user","content":"x"}],"n":2,"stream":true,"stop":["a"],)"
    R"("max_tokens":9,"max_output_tokens":9,"logprobs":true,"top_logprobs":2,"dimensions":3,)"
    R"("tools":[{"type":"function","name":"f","function":{"name":"f","parameters":{"type":"object",)"
    R"("properties":{"a":{"anyOf":[{"$ref":"#"},{"type":"null"}]},"b":{"pattern":"a{2}[b-d]"}},)"
    R"("required":["a","b"]}}}],"tool_choice":"auto","reasoning":{"effort":"low","summary":"auto"},)"
    R"("response_format":{"type":"json_object"},"text":{"format":{"type":"text"}},)"
    R"("include":["message.output_text.logprobs"],"stream_options":{"include_usage":true}})";

/// Whatever came in, what goes out is JSON or whole events of JSON.
void expect_sound(const WireScript& script) {
    if (script.status != 200) {
        EXPECT_GE(told_error(script).status, 400);
        return;
    }
    if (!script.is_stream) {
        parsed(script.body());
        return;
    }
    for (const std::string& event : events_of(script)) {
        if (event != "[DONE]") {
            parsed(event);
        }
    }
}

/// Replaces, removes or doubles a run of bytes, or one JSON token by another.
std::string mutated(std::string_view text, Random& random) {
    constexpr std::string_view kPieces[] = {
        "null", "{}",   "[]",  "-1",          "1e308",
        "\"\"", "true", "0.5", "\"\\u0000\"", "99999999999999999999",
        "[[",   "\xff"};
    std::string out{text};
    for (std::uint64_t i = 0; i <= random.below(3); ++i) {
        const std::size_t at = random.below(out.size());
        const std::size_t size = std::min<std::size_t>(random.below(12), out.size() - at);
        switch (random.below(3)) {
            case 0:
                out.replace(at, size, kPieces[random.below(std::size(kPieces))]);
                break;
            case 1:
                out.erase(at, std::min(size, out.size() - 1));
                break;
            default: {
                const std::size_t colon = out.find(':', at);
                const std::size_t end = colon == std::string::npos ? colon : out.find(',', colon);
                if (end != std::string::npos) {
                    out.replace(colon + 1, end - colon - 1,
                                kPieces[random.below(std::size(kPieces))]);
                }
            }
        }
    }
    return out;
}

TEST(HostileRequests, NeverMakeAnUnsoundAnswer) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        Random random{seed};
        const std::string body = mutated(kSeed, random);

        for (const std::string_view path : kPaths) {
            SCOPED_TRACE("seed " + std::to_string(seed));
            expect_sound(post(path, body, saying(5)));
        }
    }
}

TEST(HostileRequests, AreBoundedInWhatTheyMakeTheSimulatorSay) {
    const std::string bodies[] = {
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":128,"stream":true})",
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":128,"stream":true,)"
        R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":)"
        R"({"type":"string","minLength":200000}}}})"};
    for (const std::string& body : bodies) {
        const WireScript script = post("/v1/chat/completions", body, saying(1'000'000'000));

        EXPECT_LE(script.steps.size(), 101'000U);
    }
}

TEST(HostileRequests, MayNestAsDeepAsTheReaderAllows) {
    std::string schema = R"({"type":"string"})";
    for (int i = 0; i < 59; ++i) {
        schema = R"({"anyOf":[)" + schema + "]}";
    }
    const std::string body =
        R"({"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n","schema":)" +
        schema + "}}}";

    EXPECT_EQ(post("/v1/responses", body).status, 200);
}

}  // namespace
}  // namespace headgate::providers
