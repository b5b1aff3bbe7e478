#pragma once

#include <string>
#include <vector>

namespace headgate::proxy {

/// The command line (docs/cli.md). Returns the process's exit code: 0 well, 1 failed, 2 bad usage.
int run_command_line(int argc, char** argv);

struct ServeOptions {
    std::string config;
    bool rehearse = false;
    std::string log_format;  // "json" or "text"; empty: text on a terminal, else json
};
int serve(const ServeOptions& options);

struct SimulateOptions {
    std::string listen;
    std::string wire = "openai";
    std::string first_byte = "50ms";
    std::string tokens = "50";
    std::string token_delay = "10ms";
    std::string fail;         // STATUS[:RATE]
    std::string retry_after;  // duration
    std::string cut_after;    // count
};
int simulate(const SimulateOptions& options);

struct ExplainOptions {
    std::string config;
    std::string project;
    std::string model;
    std::string endpoint = "chat";
    bool stream = false;
    std::vector<std::string> headers;            // NAME=VALUE
    std::vector<std::string> provider_statuses;  // NAME=STATUS, or a word for how it fails
    std::string budget_used = "0%";
    std::string input_tokens = "100";
    std::string max_output;  // count; empty: the project's
    bool json = false;
};
/// 0: the request would be served, 1: refused, 2: bad usage or a faulty policy.
int explain(const ExplainOptions& options);

/// 0: all pass, 1: some do not, or the policy or a file of tests is faulty; then none has run.
int test(const std::string& config, const std::vector<std::string>& files);

int check(const std::vector<std::string>& files);
int show(const std::string& config);
int schema();

struct KeysOptions {
    std::string config;
    std::string project;
    std::string name;
    std::string expires;  // a date; empty: never
};
/// Without `config` and `project` the key is printed for the policy; with them it is stored.
int keys_new(const KeysOptions& options);
int keys_list(const KeysOptions& options);
int keys_revoke(const KeysOptions& options);

struct UsageOptions {
    std::string config;
    std::string from;
    std::string to;
    std::string by = "project";  // "project,model,key,provider,tag:NAME"
    std::string format = "table";
};
int usage(const UsageOptions& options);

int print_version();

}  // namespace headgate::proxy
