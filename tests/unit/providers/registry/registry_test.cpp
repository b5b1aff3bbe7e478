#include "providers/registry/registry.h"

namespace headgate::providers {
namespace {

TEST(Registry, HasAnAdapterForEveryWireFormat) {
    for (const WireFormat wire : {WireFormat::openai, WireFormat::azure}) {
        const ProviderError error = adapter_for(wire).decode_error(503, "busy");

        EXPECT_EQ(error.body,
                  R"({"error":{"message":"busy","type":"server_error","param":null,"code":null}})")
            << to_string(wire);
    }
}

TEST(Registry, SendsTheKeyAsEachFormatWantsIt) {
    using Field = std::pair<std::string_view, std::string>;
    const Provider provider;

    EXPECT_EQ(adapter_for(WireFormat::openai).credential_field(provider, "k"),
              Field("authorization", "Bearer k"));
    EXPECT_EQ(adapter_for(WireFormat::azure).credential_field(provider, "k"),
              Field("api-key", "k"));
}

TEST(Registry, ChoosesTheDecoderByTheEndpoint) {
    const struct {
        std::string_view path;
        std::string_view last_event;
    } cases[] = {
        {"/v1/chat/completions", "data: [DONE]\n\n"},
        {"/v1/completions", "data: [DONE]\n\n"},
        {"/v1/responses", "data: {\"type\":\"response.completed\"}\n\n"},
        {"/v1/images/generations", "data: {\"type\":\"image_generation.completed\"}\n\n"},
    };

    for (const auto& c : cases) {
        ApiRequest request;
        request.endpoint = classify(Method::post, c.path).endpoint;
        ASSERT_NE(request.endpoint, nullptr);

        for (const WireFormat wire : {WireFormat::openai, WireFormat::azure}) {
            std::string out;

            const auto decoder = adapter_for(wire).stream_decoder(request);

            EXPECT_EQ(decoder->feed(c.last_event, out), StreamState::complete) << c.path;
            EXPECT_EQ(out, c.last_event);
        }
    }
}

}  // namespace
}  // namespace headgate::providers
