#include "policy/config/snapshot.h"

#include "providers/catalog/catalog.h"

namespace headgate::policy {
namespace {

/// Whether the catalogue knows `model` as one of OpenAI's, whose wire format simulators speak.
bool is_openai_model(std::string_view model) {
    const std::span<const providers::Model> all = providers::catalog_models();
    const auto same_id = std::ranges::equal_range(all, model, {}, &providers::Model::id);
    return std::ranges::find(same_id, std::string_view("openai"), &providers::Model::provider) !=
           same_id.end();
}

}  // namespace

bool serves(const providers::Provider& provider, std::string_view model) {
    if (!provider.models.empty()) {
        return std::ranges::any_of(provider.models, [model](const std::string& glob) {
            return providers::glob_matches(glob, model);
        });
    }
    return provider.kind != providers::ProviderKind::simulator || is_openai_model(model);
}

providers::BaseUrl simulator_base_url() {
    return {.is_tls = false, .host = "simulator", .port = 80, .base_path = "/v1"};
}

}  // namespace headgate::policy
