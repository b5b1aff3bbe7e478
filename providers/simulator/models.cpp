#include "providers/simulator/call.h"
#include "providers/simulator/json_writer.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

struct Model {
    std::string_view id;
    std::int64_t created;  // Unix seconds
};

constexpr std::array kModels = {
    Model{"gpt-4o", 1715367049},
    Model{"gpt-4o-mini", 1721172741},
    Model{"gpt-5", 1754425777},
    Model{"gpt-5-mini", 1754425928},
    Model{"gpt-3.5-turbo-instruct", 1692901427},
    Model{"gpt-image-1", 1745517030},
    Model{"omni-moderation-latest", 1731689265},
    Model{"text-embedding-3-large", 1705953180},
    Model{"text-embedding-3-small", 1705948997},
};

void write_model(JsonWriter& json, const Model& model, const Call& call) {
    json.begin_object().key("id").text(model.id).key("object").text("model");
    json.key("created").integer(model.created).key("owned_by").text("simulator");
    if (call.is_azure()) {
        json.key("created_at").integer(model.created).key("status").text("succeeded");
        json.key("lifecycle_status").text("generally-available");
    }
    json.end_object();
}

}  // namespace

OrError<WireScript> list_models(Call& call) {
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("object").text("list").key("data").begin_array();
    for (const Model& model : kModels) {
        write_model(json, model, call);
    }
    json.end_array().end_object();
    return plain_answer(call, std::move(out));
}

OrError<WireScript> retrieve_model(Call& call) {
    const std::string_view path = call.request.path;
    const std::string_view id = path.substr(path.rfind('/') + 1);
    const auto* model = std::ranges::find(kModels, id, &Model::id);
    if (model == kModels.end()) {
        OpenAiError error = bad_request("The model '" + std::string{id} + "' does not exist",
                                        "model", "model_not_found");
        error.status = 404;
        return std::unexpected{std::move(error)};
    }
    std::string out;
    JsonWriter json{out};
    write_model(json, *model, call);
    return plain_answer(call, std::move(out));
}

}  // namespace headgate::providers
