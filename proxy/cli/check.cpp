#include "policy/config/loader.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/problems.h"

#include <iostream>

namespace headgate::proxy {
namespace {

bool check_file(const std::string& file) {
    const policy::LoadResult result =
        policy::load_policy(file, {.needs_secrets = false, .environment = {}});
    for (const policy::Problem& problem : result.problems) {
        print_problem(std::cout, problem);
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
