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

int check(const std::vector<std::string>& files);
int keys_new(const std::string& name);
int print_version();

}  // namespace headgate::proxy
