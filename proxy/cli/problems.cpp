#include "proxy/cli/problems.h"

#include "policy/config/loader.h"

#include <iostream>

namespace headgate::proxy {

void print_problem(std::ostream& out, policy::Problem problem) {
    const std::string hint = std::exchange(problem.hint, {});
    out << problem.to_string() << '\n';
    if (!problem.source.empty()) {
        out << "    " << problem.source << '\n';
    }
    if (!hint.empty()) {
        out << "    hint: " << hint << '\n';
    }
}

std::unique_ptr<policy::Snapshot> load_without_secrets(const std::string& file) {
    policy::LoadResult loaded =
        policy::load_policy(file, {.needs_secrets = false, .environment = {}});
    if (!loaded.snapshot) {
        for (const policy::Problem& problem : loaded.problems) {
            print_problem(std::cerr, problem);
        }
        std::cerr << "headgate: " << file << " is not a valid policy\n";
    }
    return std::move(loaded.snapshot);
}

}  // namespace headgate::proxy
