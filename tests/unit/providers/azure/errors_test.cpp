#include "providers/azure/errors.h"

#include "providers/contract/json_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::providers::azure {
namespace {

TEST(AzureErrors, PassTheContentFiltersReportAsItIs) {
    for (
        const std::string_view body : {
            // "Content filtering", error for a filtered prompt
            R"({"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}})",
            // the same of the Responses API
            R"({"error":{"message":"The response was filtered.","type":"invalid_request_error","param":"prompt","code":"content_filter","content_filters":[{"blocked":true,"source_type":"prompt"}]}})",
            // of images
            R"({"error":{"code":"content_policy_violation","inner_error":{"code":"ResponsibleAIPolicyViolation"},"message":"Your request was rejected.","type":"invalid_request_error"}})",
        }) {
        const ProviderError error = decode_error(400, body);

        EXPECT_EQ(error.body, body);
        EXPECT_FALSE(error.is_credential);
        EXPECT_FALSE(error.is_quota);
    }
}

TEST(AzureErrors, AreWrappedWhereTheyComeFromTheGateway) {
    const struct {
        int status;
        std::string_view body;
        std::string_view wrapped;
    } cases[] = {
        {404, R"({"error":{"code":"404","message":"Resource not found"}})",
         R"({"error":{"message":"Resource not found","type":"invalid_request_error","param":null,"code":"404"}})"},
        {400, R"({"error":{"requestid":"eea1c96d","code":400,"message":"Validation error"}})",
         R"({"error":{"message":"Validation error","type":"invalid_request_error","param":null,"code":"400"}})"},
        {408, R"({"error":{"code":"Timeout","message":"The operation was timeout."}})",
         R"({"error":{"message":"The operation was timeout.","type":"timeout_error","param":null,"code":"Timeout"}})"},
        {429,
         R"({ "statusCode": 429, "message": "Rate limit is exceeded. Try again in 2 seconds." })",
         R"({"error":{"message":"Rate limit is exceeded. Try again in 2 seconds.","type":"rate_limit_error","param":null,"code":null}})"},
        {500,
         R"({"error":{"code":"InternalServerError","message":"Backend returned unexpected response. Please contact Microsoft for help."}})",
         R"({"error":{"message":"Backend returned unexpected response. Please contact Microsoft for help.","type":"server_error","param":null,"code":"InternalServerError"}})"},
    };

    for (const auto& c : cases) {
        EXPECT_EQ(decode_error(c.status, c.body).body, c.wrapped);
    }
}

TEST(AzureErrors, TellNoDeploymentAndNoResource) {
    constexpr std::string_view kOurs =
        R"({"error":{"message":"The provider has no deployment of this model.","type":"invalid_request_error","param":null,"code":"DeploymentNotFound"}})";
    for (
        const std::string_view body : {
            R"({"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}})",
            R"({"error":{"code":"DeploymentNotFound","message":"No gpt5-prod at https://acme-eu.openai.azure.com","type":"invalid_request_error","param":null}})",
        }) {
        const ProviderError error = decode_error(404, body);

        EXPECT_EQ(error.body, kOurs);
        EXPECT_EQ(error.code, "DeploymentNotFound");
    }
    EXPECT_EQ(
        decode_error(
            400,
            R"({"error":{"code":"x","message":"See https://acme-eu.openai.azure.com/openai","type":null}})")
            .body,
        R"({"error":{"code":"x","message":"See https://***.openai.azure.com/openai","type":null}})");
}

enum class Kind { none, credential, quota };

TEST(AzureErrors, TellTheOperatorsAccessAndQuotaFromAllElse) {
    const struct {
        int status;
        Kind kind;
        std::string_view body;
    } cases[] = {
        // API Management, a wrong key
        {401, Kind::credential,
         R"({ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired." })"},
        {401, Kind::credential,
         R"({"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}})"},
        // a principal without the role
        {401, Kind::credential,
         R"({"error":{"code":"PermissionDenied","message":"The principal `8f0e` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action` to perform `POST /openai/deployments/{deployment-id}/chat/completions` operation."}})"},
        {401, Kind::credential, "no JSON at all"},
        {403, Kind::credential,
         R"({"error":{"code":"403","message":"Public access is disabled. Please configure private endpoint."}})"},
        {403, Kind::credential,
         R"({"error":{"code":"AccessDenied","message":"Access denied due to Virtual Network/Firewall rules."}})"},
        {403, Kind::credential, R"({"error":{"code":"PermissionDenied","message":"no"}})"},
        {403, Kind::credential,
         R"({"error":{"code":"AuthenticationTypeDisabled","message":"Key based authentication is disabled for this resource."}})"},
        {403, Kind::credential,
         R"({"code":"403","message":"Principal does not have access to API/Operation."})"},
        {403, Kind::none,
         R"({"error":{"code":"content_filter","message":"Access denied: the content policy."}})"},
        {403, Kind::none,
         R"({"error":{"code":"OperationNotSupported","message":"Not for this model."}})"},
        {403, Kind::none, "<html>403</html>"},
        // API Management's policy `quota`
        {403, Kind::quota,
         R"({ "statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 07:01:20." })"},
        {429, Kind::quota,
         R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})"},
        {429, Kind::quota,
         R"({"error":{"code":"429","message":"You exceeded your current quota."}})"},
        {429, Kind::quota, R"({"error":{"code":"QuotaExceeded","message":"no"}})"},
        {429, Kind::none,
         R"({"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 6 seconds. Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit."}})"},
        {429, Kind::none,
         R"({"error":{"code":"429","message":"Requests to the Embeddings_Create Operation under Azure OpenAI API version 2023-05-15 have exceeded token rate limit of your current AIServices S0 pricing tier. Please retry after 86400 seconds."}})"},
        {429, Kind::none,
         R"({"error":{"message":"Too many requests.","type":"too_many_requests","param":null,"code":"too_many_requests"}})"},
        {500, Kind::none, R"({"error":{"code":"QuotaExceeded","message":"Access denied"}})"},
        {404, Kind::none, R"({"error":{"code":"404","message":"Access denied"}})"},
    };

    for (const auto& c : cases) {
        const ProviderError error = decode_error(c.status, c.body);

        EXPECT_EQ(error.is_credential, c.kind == Kind::credential) << c.body;
        EXPECT_EQ(error.is_quota, c.kind == Kind::quota) << c.body;
        EXPECT_FALSE(error.is_daily) << c.body;
        EXPECT_TRUE(JsonReader{error.body}.finish()) << error.body;
    }
}

TEST(AzureErrors, ReadNoBodyAboveTheBound) {
    const std::string body =
        R"({"error":{"code":"AccessDenied","message":")" + std::string(70'000, 'x') + R"("}})";

    const ProviderError error = decode_error(403, body);

    EXPECT_FALSE(error.is_credential);
    EXPECT_TRUE(error.body.contains("The provider answered with status 403."));
}

}  // namespace
}  // namespace headgate::providers::azure
