#include "providers/contract/provider.h"

#include <algorithm>

namespace headgate::providers {

std::string_view to_string(ProviderKind kind) {
    switch (kind) {
        case ProviderKind::openai:
            return "openai";
        case ProviderKind::azure:
            return "azure";
        case ProviderKind::openai_compatible:
            return "openai-compatible";
        case ProviderKind::simulator:
            break;
    }
    return "simulator";
}

std::string_view to_string(WireFormat wire) {
    return wire == WireFormat::azure ? "azure" : "openai";
}

bool can_serve(WireFormat wire, Operation operation) {
    // Azure OpenAI has no moderations: its content filter runs inside the other endpoints.
    return wire != WireFormat::azure || operation != Operation::moderations;
}

std::string_view deployment_of(const Provider& provider, std::string_view model) {
    const auto found = std::ranges::find(provider.deployments, model, &Deployment::model);
    return found == provider.deployments.end() ? model : std::string_view{found->name};
}

std::string BaseUrl::authority() const {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    std::string text = is_ipv6 ? '[' + host + ']' : host;
    const std::uint16_t default_port = is_tls ? 443 : 80;
    if (port != default_port) {
        text += ':' + std::to_string(port);
    }
    return text;
}

bool glob_matches(std::string_view glob, std::string_view text) {
    std::size_t at = 0;
    std::size_t star = std::string_view::npos;  // the last `*` seen
    std::size_t star_end = 0;                   // where the run that it took ends
    std::size_t i = 0;
    while (i < text.size()) {
        if (at < glob.size() && glob[at] == '*') {
            star = at++;
            star_end = i;
        } else if (at < glob.size() && (glob[at] == '?' || glob[at] == text[i])) {
            ++at;
            ++i;
        } else if (star != std::string_view::npos) {
            // Only the last `*` ever has to give way: what stood before it matched at the leftmost
            // place there is. So the work is glob × text at most, never exponential.
            at = star + 1;
            i = ++star_end;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace headgate::providers
