#include "policy/config/loader.h"
#include "proxy/cli/commands.h"

#include <iostream>

namespace headgate::proxy {
namespace {

using policy::Problem;

/// The problem as compilers print theirs: place and message, the line, the hint.
void print(std::ostream& out, Problem problem) {
    const std::string hint = std::exchange(problem.hint, {});
    out << problem.to_string() << '\n';
    if (!problem.source.empty()) {
        out << "    " << problem.source << '\n';
    }
    if (!hint.empty()) {
        out << "    hint: " << hint << '\n';
    }
}

bool check_file(const std::string& file) {
    const policy::LoadResult result =
        policy::load_policy(file, {.needs_secrets = false, .environment = {}});
    for (const Problem& problem : result.problems) {
        print(std::cout, problem);
    }
    if (result.snapshot) {
        std::cout << file << ": ok\n";
    }
    return result.snapshot != nullptr;
}

}  // namespace

int check(const std::vector<std::string>& files) {
    bool all_valid = true;
    for (const std::string& file : files) {
        all_valid = check_file(file) && all_valid;
    }
    std::cout.flush();
    return all_valid && std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
