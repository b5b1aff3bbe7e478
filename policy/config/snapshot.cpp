#include "policy/config/snapshot.h"

#include "policy/config/ip_literal.h"
#include "providers/catalog/catalog.h"

namespace headgate::policy {
namespace {

/// Whether the catalogue knows `model` as one of OpenAI's, whose models simulators have
/// in either wire format.
bool is_openai_model(std::string_view model) {
    const std::span<const providers::Model> all = providers::catalog_models();
    const auto same_id = std::ranges::equal_range(all, model, {}, &providers::Model::id);
    return std::ranges::find(same_id, std::string_view("openai"), &providers::Model::provider) !=
           same_id.end();
}

}  // namespace

bool serves(const providers::Provider& provider, std::string_view model) {
    const bool is_listed = provider.models.empty() ||
                           std::ranges::any_of(provider.models, [model](const std::string& glob) {
                               return providers::glob_matches(glob, model);
                           });
    switch (provider.kind) {
        case providers::ProviderKind::azure:
            return is_listed &&
                   std::ranges::find(provider.deployments, model, &providers::Deployment::model) !=
                       provider.deployments.end();
        case providers::ProviderKind::simulator:
            return is_listed && (!provider.models.empty() || is_openai_model(model));
        case providers::ProviderKind::openai:
        case providers::ProviderKind::openai_compatible:
            return is_listed;
    }
    std::unreachable();
}

providers::Behaviour default_behaviour() {
    return {.first_byte = std::chrono::milliseconds{50},
            .token_delay = std::chrono::milliseconds{10},
            .tokens = 50,
            .fail = {}};
}

providers::BaseUrl simulator_base_url(providers::WireFormat wire) {
    return {.is_tls = false,
            .host = "simulator",
            .port = 80,
            .base_path = wire == providers::WireFormat::openai ? "/v1" : ""};
}

std::string_view client_address(const Protect& protect,
                                std::string_view peer,
                                std::string_view forwarded_for) {
    const auto is_trusted = [&protect](std::string_view text) {
        const std::optional<IpLiteral> address = parse_ip(text);
        return address &&
               std::ranges::any_of(protect.trusted_proxies, [&](const std::string& cidr) {
                   const std::optional<Cidr> network = parse_cidr(cidr);
                   return network && network->contains(*address);
               });
    };
    std::string_view client = peer;
    while (!forwarded_for.empty() && is_trusted(client)) {
        const std::size_t comma = forwarded_for.rfind(',');
        std::string_view last =
            forwarded_for.substr(comma == std::string_view::npos ? 0 : comma + 1);
        last.remove_prefix(std::min(last.find_first_not_of(" \t"), last.size()));
        last = last.substr(0, last.find_last_not_of(" \t") + 1);
        if (!parse_ip(last)) {
            break;
        }
        client = last;
        forwarded_for =
            comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
    }
    return client;
}

}  // namespace headgate::policy
