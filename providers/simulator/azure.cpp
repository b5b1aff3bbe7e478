#include "providers/contract/json_reader.h"
#include "providers/simulator/answering.h"
#include "providers/simulator/azure_address.h"
#include "providers/simulator/azure_error.h"
#include "providers/simulator/content_filter.h"
#include "providers/simulator/json_writer.h"

#include <algorithm>
#include <array>
#include <optional>

namespace headgate::providers {
namespace {

struct OperationName {
    std::string_view path;
    std::string_view name;  // as the gateway calls it
};
constexpr std::array kOperationNames = {
    OperationName{"/v1/chat/completions", "ChatCompletions_Create"},
    OperationName{"/v1/completions", "Completions_Create"},
    OperationName{"/v1/embeddings", "Embeddings_Create"},
    OperationName{"/v1/responses", "Responses_Create"},
    OperationName{"/v1/images/generations", "ImageGenerations_Create"},
};

/// `body` with `model` set to the deployment's name, which is what Azure goes by.
std::string with_model(std::string_view body, std::string_view deployment) {
    JsonReader reader{body};
    std::string out{body};
    if (reader.next() != JsonToken::begin_object) {
        return out;
    }
    std::string name;
    JsonWriter{name}.text(deployment);
    const std::size_t inside = reader.range().end;
    bool is_first = true;
    while (reader.next() == JsonToken::key) {
        if (reader.is("model")) {
            reader.next();
            const std::size_t begin = reader.range().begin;
            if (reader.token() == JsonToken::begin_object ||
                reader.token() == JsonToken::begin_array) {
                reader.leave(reader.depth());
            }
            return reader.token() == JsonToken::error
                       ? out
                       : out.replace(begin, reader.range().end - begin, name);
        }
        is_first = false;
        reader.skip();
    }
    return out.insert(inside, "\"model\":" + name + (is_first ? "" : ","));
}

WireScript answer(Call& call, const AzureAddress& address) {
    const SimulatedOperation* operation = find_operation(call.request.method, address.path);
    if (operation == nullptr) {
        return error_answer(404, azure_error_json("404", "Resource not found"));
    }
    if (!is_supported_version(address)) {
        return error_answer(400, azure_error_json("BadRequest", "API version not supported"));
    }
    // Embeddings are not filtered.
    if (operation->method == "POST" && address.path != "/v1/embeddings" &&
        is_filtered(call.request.body)) {
        return error_answer(400, std::string{filtered_prompt_error()});
    }
    auto answered = answer_operation(call, *operation);
    return answered ? std::move(*answered)
                    : error_answer(answered.error().status, to_json(answered.error()));
}

AzureCall told_call(const std::optional<AzureAddress>& address, const Trouble& trouble) {
    AzureCall told{.operation = "Models_List", .api_version = "v1", .retry_seconds = {}};
    if (address) {
        const auto* row = std::ranges::find(kOperationNames, std::string_view{address->path},
                                            &OperationName::path);
        told.operation = row == kOperationNames.end() ? told.operation : row->name;
        told.api_version = address->is_dated ? address->api_version : told.api_version;
    }
    if (trouble.retry_after) {
        told.retry_seconds = whole_seconds(*trouble.retry_after);
    }
    return told;
}

std::string made_guid(Random& ids) {
    std::string guid = made_hex(32, ids);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) {
        guid.insert(at, "-");
    }
    return guid;
}

void add_head(WireScript& script, const Trouble& trouble, Random& ids) {
    const std::string id = made_guid(ids);
    script.headers = {
        {"content-type", std::string{content_type_of(script)}},
        {"apim-request-id", id},
        {"x-request-id", made_guid(ids)},
        {"x-ms-client-request-id", id},
        {"x-ms-region", "East US"},
        {"azureml-model-session", "v20250615-1-1"},
        {"x-ratelimit-remaining-requests", script.status == 429 ? "0" : "9999"},
        {"x-ratelimit-remaining-tokens", "1999950"},
    };
    if (script.status >= 400 && trouble.retry_after) {
        add_retry_advice(script, *trouble.retry_after);
    }
}

}  // namespace

WireScript answer_azure(const SimulatedRequest& request,
                        const Behaviour& behaviour,
                        SimulatorState& state) {
    const Drawn drawn = draw_answer(behaviour, state);
    const Trouble& trouble = drawn.trouble;
    const std::optional<AzureAddress> address = azure_address_of(request);
    const std::string body = address && address->deployment
                                 ? with_model(request.body, *address->deployment)
                                 : std::string{request.body};
    const SimulatedRequest inner{.method = request.method,
                                 .path = address ? std::string_view{address->path} : request.path,
                                 .body = body};
    const auto document = JsonDocument::parse(body);
    Call call{inner,     document ? document->root() : JsonView{},
              behaviour, drawn.created,
              drawn.ids, WireFormat::azure};
    WireScript script;
    if (trouble.status) {
        script = error_answer(*trouble.status,
                              azure_error_of_status(*trouble.status, told_call(address, trouble)));
    } else if (!address) {
        script = error_answer(404, azure_error_json("404", "Resource not found"));
    } else {
        script = answer(call, *address);
        script.before_head += behaviour.first_byte;
    }
    script.before_head += trouble.delay;
    add_head(script, trouble, call.ids);
    if (trouble.cut_after && script.status < 400) {
        cut(script, *trouble.cut_after);
    }
    return script;
}

}  // namespace headgate::providers
