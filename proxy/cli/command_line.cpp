#include "proxy/cli/commands.h"

#include <CLI/CLI.hpp>

#include <array>
#include <exception>
#include <functional>
#include <iostream>
#include <string_view>

namespace headgate::proxy {
namespace {

constexpr int kBadUsage = 2;

/// Commands of the reference that this build does not have.
constexpr std::array<std::string_view, 2> kLaterCommands = {"doctor", "top"};

int bad_usage(std::string_view message) {
    std::cerr << "headgate: " << message << '\n';
    return kBadUsage;
}

/// The first word of the line that names a command of a later version; empty: none.
std::string later_command(const std::vector<std::string>& words) {
    if (!words.empty() && std::ranges::find(kLaterCommands, words[0]) != kLaterCommands.end()) {
        return words[0];
    }
    return {};
}

/// What the command line chose; `run` is set by the chosen subcommand.
struct Chosen {
    ServeOptions serve;
    SimulateOptions simulate;
    ExplainOptions explain;
    std::vector<std::string> check_files;
    std::string test_config;
    std::vector<std::string> test_files;
    std::string show_config;
    KeysOptions keys;
    UsageOptions usage;
    std::function<int()> run;
};

void add_serve(CLI::App& app, Chosen& chosen) {
    CLI::App* command = app.add_subcommand("serve", "Run the proxy");
    command->add_option("--config", chosen.serve.config, "The policy file")
        ->required()
        ->type_name("FILE");
    command->add_flag("--rehearse", chosen.serve.rehearse,
                      "Keep the policy but replace every provider by a simulator");
    command->add_option("--log-format", chosen.serve.log_format, "json or text")
        ->check(CLI::IsMember({"json", "text"}))
        ->type_name("FORMAT");
    command->callback([&chosen] { chosen.run = [&chosen] { return serve(chosen.serve); }; });
}

void add_check(CLI::App& app, Chosen& chosen) {
    CLI::App* command = app.add_subcommand("check", "Validate policy files");
    command->add_option("FILE", chosen.check_files, "The policy files")->required()->type_name("");
    command->callback([&chosen] { chosen.run = [&chosen] { return check(chosen.check_files); }; });
}

void add_explain(CLI::App& app, Chosen& chosen) {
    CLI::App* command = app.add_subcommand(
        "explain", "Tell which way a request would go, and why, without sending anything");
    ExplainOptions& options = chosen.explain;
    const auto add = [command](const char* name, auto& value, const char* text) {
        return command->add_option(name, value, text);
    };
    add("--config", options.config, "The policy file")->required()->type_name("FILE");
    add("--project", options.project, "Who asks")->required()->type_name("PROJECT");
    add("--model", options.model, "The model asked for")->required()->type_name("MODEL");
    add("--endpoint", options.endpoint, "The endpoint family")
        ->type_name("FAMILY")
        ->capture_default_str();
    command->add_flag("--stream", options.stream, "Ask for a stream");
    add("--header", options.headers, "A header of the request; may be repeated")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE");
    add("--provider-status", options.provider_statuses,
        "How a provider answers: a status, connect, timeout or cut (200); may be repeated")
        ->allow_extra_args(false)
        ->type_name("NAME=STATUS");
    add("--budget-used", options.budget_used, "How much of the project's budget is used")
        ->type_name("PERCENT")
        ->capture_default_str();
    add("--input-tokens", options.input_tokens, "The length of the input")
        ->type_name("N")
        ->capture_default_str();
    add("--max-output", options.max_output, "The output cap of the request")->type_name("N");
    command->add_flag("--json", options.json, "One JSON object instead of tables");
    command->footer("Exit code: 0 served, 1 refused, 2 bad usage or a faulty policy.");
    command->callback([&chosen] { chosen.run = [&chosen] { return explain(chosen.explain); }; });
}

void add_test(CLI::App& app, Chosen& chosen) {
    CLI::App* command = app.add_subcommand("test", "Run unit tests of a policy");
    command->add_option("--config", chosen.test_config, "The policy file")
        ->required()
        ->type_name("FILE");
    command->add_option("TESTS", chosen.test_files, "The files of tests")
        ->required()
        ->type_name("");
    command->footer(
        "Exit code: 0 all pass, 1 some fail, or the policy or a file of tests is faulty.");
    command->callback([&chosen] {
        chosen.run = [&chosen] { return test(chosen.test_config, chosen.test_files); };
    });
}

void add_show_and_schema(CLI::App& app, Chosen& chosen) {
    CLI::App* command = app.add_subcommand(
        "show", "Print the effective policy with every default, secrets redacted");
    command->add_option("--config", chosen.show_config, "The policy file")
        ->required()
        ->type_name("FILE");
    command->callback([&chosen] { chosen.run = [&chosen] { return show(chosen.show_config); }; });
    app.add_subcommand("schema", "Print the JSON Schema of a policy, for editors and CI")
        ->callback([&chosen] { chosen.run = schema; });
}

void add_simulate(CLI::App& app, Chosen& chosen) {
    SimulateOptions& options = chosen.simulate;
    CLI::App* command = app.add_subcommand("simulate", "Run a stand-alone simulated provider");
    const auto add = [command](const char* name, std::string& value, const char* text) {
        return command->add_option(name, value, text);
    };
    add("--listen", options.listen, "host:port, [v6]:port or unix:/path; port 0 takes a free one")
        ->required()
        ->type_name("ADDR");
    add("--wire", options.wire, "The wire format: openai, azure, anthropic or gemini")
        ->check(CLI::IsMember({"openai", "azure", "anthropic", "gemini"}))
        ->type_name("FORMAT")
        ->capture_default_str();
    add("--first-byte", options.first_byte, "Wait this long before an answer")
        ->type_name("DURATION")
        ->capture_default_str();
    add("--tokens", options.tokens, "Length of an answer that sets no cap")
        ->type_name("COUNT")
        ->capture_default_str();
    add("--token-delay", options.token_delay, "Wait this long between tokens")
        ->type_name("DURATION")
        ->capture_default_str();
    add("--fail", options.fail, "Answer with this status, at this rate")
        ->type_name("STATUS[:RATE]");
    add("--retry-after", options.retry_after, "Sent with failures")->type_name("DURATION");
    add("--cut-after", options.cut_after, "Break off after so many events")->type_name("N");
    command->callback([&chosen] {
        chosen.run = [&chosen] {
            const std::string& wire = chosen.simulate.wire;
            return wire == "openai" || wire == "azure"
                       ? simulate(chosen.simulate)
                       : bad_usage("\"--wire " + wire + "\" is not supported yet");
        };
    });
}

void add_keys(CLI::App& app, Chosen& chosen) {
    CLI::App* keys = app.add_subcommand("keys", "Client keys");
    keys->require_subcommand(1);
    KeysOptions& options = chosen.keys;
    const auto add = [&](CLI::App* command, const char* name, std::string& value, const char* text,
                         const char* type) {
        return command->add_option(name, value, text)->type_name(type);
    };
    CLI::App* made = keys->add_subcommand("new", "Make a client key and print it once");
    add(made, "--name", options.name, "The key's name", "NAME");
    add(made, "--config", options.config, "Store it where this policy keeps its records", "FILE");
    add(made, "--project", options.project, "Whose key it is, where it is stored", "PROJECT");
    add(made, "--expires", options.expires, "The first day on which it no longer holds", "DATE");
    made->callback([&chosen] { chosen.run = [&chosen] { return keys_new(chosen.keys); }; });
    CLI::App* list = keys->add_subcommand("list", "List the keys of the record store");
    add(list, "--config", options.config, "The policy file", "FILE")->required();
    add(list, "--project", options.project, "Only this project's", "PROJECT");
    list->callback([&chosen] { chosen.run = [&chosen] { return keys_list(chosen.keys); }; });
    CLI::App* revoke = keys->add_subcommand("revoke", "Revoke a key of the record store");
    add(revoke, "--config", options.config, "The policy file", "FILE")->required();
    add(revoke, "--project", options.project, "Whose key it is", "PROJECT")->required();
    add(revoke, "--name", options.name, "The key's name", "NAME")->required();
    revoke->callback([&chosen] { chosen.run = [&chosen] { return keys_revoke(chosen.keys); }; });
}

void add_usage(CLI::App& app, Chosen& chosen) {
    CLI::App* command = app.add_subcommand("usage", "Add up the ledger");
    UsageOptions& options = chosen.usage;
    const auto add = [&](const char* name, std::string& value, const char* text, const char* type) {
        return command->add_option(name, value, text)->type_name(type);
    };
    add("--config", options.config, "The policy file", "FILE")->required();
    add("--from", options.from, "Admitted at this date or time, or later", "TIME");
    add("--to", options.to, "Admitted before", "TIME");
    add("--by", options.by, "Joined by commas: project, model, key, provider, tag:NAME", "LIST")
        ->capture_default_str();
    add("--format", options.format, "table, csv or json", "FORMAT")
        ->check(CLI::IsMember({"table", "csv", "json"}))
        ->capture_default_str();
    command->callback([&chosen] { chosen.run = [&chosen] { return usage(chosen.usage); }; });
}

/// What is wrong with the line. CLI11 calls an unknown command a missing one.
std::string usage_problem(const CLI::App& app,
                          const std::vector<std::string>& words,
                          const CLI::ParseError& error) {
    const bool names_command = !words.empty() && !words[0].starts_with('-');
    const auto has_that_name = [&words](const CLI::App* command) {
        return command->get_name() == words[0];
    };
    if (names_command && app.get_subcommands(has_that_name).empty()) {
        return "there is no command `" + words[0] + "`";
    }
    return error.what();
}

int parse_and_run(int argc, char** argv, const std::vector<std::string>& words) {
    CLI::App app{"Headgate: a gateway between applications and providers of language models",
                 "headgate"};
    app.require_subcommand(1);
    Chosen chosen;
    add_serve(app, chosen);
    add_check(app, chosen);
    add_explain(app, chosen);
    add_test(app, chosen);
    add_show_and_schema(app, chosen);
    add_keys(app, chosen);
    add_usage(app, chosen);
    add_simulate(app, chosen);
    app.add_subcommand("version", "Print the version, the compiler and the libraries")
        ->callback([&chosen] { chosen.run = print_version; });
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::CallForAllHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        return bad_usage(usage_problem(app, words, error) + " (`headgate --help` tells more)");
    }
    return chosen.run();
}

}  // namespace

int run_command_line(int argc, char** argv) {
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    if (const std::string later = later_command(words); !later.empty()) {
        return bad_usage(later + " is not supported yet");
    }
    try {
        return parse_and_run(argc, argv, words);
    } catch (const std::exception& error) {
        std::cerr << "headgate: " << error.what() << '\n';
        return 1;
    }
}

}  // namespace headgate::proxy
