#pragma once

#include "policy/budget/worst_case.h"
#include "providers/contract/endpoint.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::policy {

inline constexpr std::string_view kChat = "/v1/chat/completions";
inline constexpr std::string_view kResponses = "/v1/responses";
inline constexpr std::string_view kCompletions = "/v1/completions";
inline constexpr std::string_view kEmbeddings = "/v1/embeddings";
inline constexpr std::string_view kModerations = "/v1/moderations";
inline constexpr std::string_view kImages = "/v1/images/generations";

inline providers::Money usd(std::string_view decimal) {
    return providers::Money::parse(decimal).value();
}

inline providers::Price price_of(std::string_view input, std::string_view output) {
    providers::Price price;
    price.input = usd(input);
    price.output = usd(output);
    return price;
}

/// A policy built in code, and the requests and plans that a test asks it about.
class BudgetCase {
public:
    BudgetCase() { project_.id = "search"; }

    providers::Provider& provider(std::string name,
                                  providers::ProviderKind kind = providers::ProviderKind::openai) {
        auto settings = std::make_unique<ProviderSettings>();
        settings->provider.name = std::move(name);
        settings->provider.kind = kind;
        snapshot_.providers.push_back(std::move(settings));
        return snapshot_.providers.back()->provider;
    }

    void override_price(std::string pattern, const providers::Price& price) {
        snapshot_.prices.push_back({.pattern = std::move(pattern), .price = price});
    }

    /// Adds a target to the plan.
    void target(const providers::Provider& provider, std::string_view model) {
        plan_.targets.push_back({.target = {.provider = &provider, .model = model}});
    }

    const providers::ApiRequest& request(std::string_view path, std::string body) {
        const auto* const endpoint = providers::classify(providers::Method::post, path).endpoint;
        EXPECT_NE(endpoint, nullptr) << path;
        bodies_.push_back(std::move(body));
        auto understood = providers::understand(*endpoint, bodies_.back());
        EXPECT_TRUE(understood) << bodies_.back();
        requests_.push_back(understood.value_or(providers::ApiRequest{}));
        return requests_.back();
    }

    WorstCaseInput input(const providers::ApiRequest& request) {
        prices_.push_back(std::make_unique<PriceBook>(snapshot_));
        return {.request = request,
                .project = project_,
                .plan = plan_,
                .prices = *prices_.back(),
                .output_cap = {},
                .must_be_priced = must_be_priced_,
                .estimate = nullptr};
    }

    providers::Result<WorstCase> worst(std::string_view path, std::string body) {
        return worst_case(input(request(path, std::move(body))));
    }

    /// "code: message" of the refusal; the cost where it is none.
    std::string refusal(std::string_view path, std::string body) {
        const auto worst_of = worst(path, std::move(body));
        if (worst_of) {
            return "costs " + worst_of->cost.to_string();
        }
        const providers::ApiError& error = worst_of.error();
        return std::string{to_string(error.code)} + " " + error.param + ": " + error.message;
    }

    Project& project() { return project_; }
    Plan& plan() { return plan_; }
    Snapshot& snapshot() { return snapshot_; }
    void set_must_be_priced(bool must) { must_be_priced_ = must; }

private:
    Snapshot snapshot_;
    Project project_;
    Plan plan_;
    bool must_be_priced_ = true;
    std::deque<std::string> bodies_;
    std::deque<providers::ApiRequest> requests_;
    std::vector<std::unique_ptr<PriceBook>> prices_;
};

}  // namespace headgate::policy
