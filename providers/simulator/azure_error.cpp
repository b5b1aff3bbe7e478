#include "providers/simulator/azure_error.h"

#include "providers/simulator/json_writer.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

struct StatusError {
    int status;
    std::string_view code;
    std::string_view message;
};

constexpr std::array kStatusErrors = {
    StatusError{400, "BadRequest", "The request is not valid."},
    StatusError{401, "401",
                "Access denied due to invalid subscription key or wrong API endpoint. Make sure to "
                "provide a valid key for an active subscription and use a correct regional API "
                "endpoint for your resource."},
    StatusError{403, "403", "Public access is disabled. Please configure private endpoint."},
    StatusError{404, "DeploymentNotFound",
                "The API deployment for this resource does not exist. If you created the "
                "deployment within the last 5 minutes, please wait a moment and try again."},
    StatusError{408, "Timeout", "The operation was timeout."},
    StatusError{500, "InternalServerError",
                "Backend returned unexpected response. Please contact Microsoft for help."},
    StatusError{502, "BadGateway", "Backend returned unexpected response."},
    StatusError{503, "ServiceUnavailable",
                "The service is temporarily unable to process your request. Please try again "
                "later."},
    StatusError{504, "GatewayTimeout", "The operation was timeout."},
};

std::string rate_limit_message(const AzureCall& call) {
    std::string message = "Requests to the ";
    message.append(call.operation).append(" Operation under Azure OpenAI API version ");
    message.append(call.api_version);
    message += " have exceeded call rate limit of your current OpenAI S0 pricing tier. ";
    if (call.retry_seconds) {
        message += "Please retry after " + std::to_string(*call.retry_seconds) + " seconds. ";
    }
    message +=
        "Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase "
        "the default rate limit.";
    return message;
}

}  // namespace

std::string azure_error_json(std::string_view code, std::string_view message) {
    std::string out;
    JsonWriter json{out};
    json.begin_object().key("error").begin_object();
    json.key("code").text(code).key("message").text(message).end_object().end_object();
    return out;
}

std::string azure_error_of_status(int status, const AzureCall& call) {
    if (status == 429) {
        return azure_error_json("429", rate_limit_message(call));
    }
    const auto* row = std::ranges::find(kStatusErrors, status, &StatusError::status);
    if (row != kStatusErrors.end()) {
        return azure_error_json(row->code, row->message);
    }
    return azure_error_json(std::to_string(status), "The request could not be processed.");
}

}  // namespace headgate::providers
