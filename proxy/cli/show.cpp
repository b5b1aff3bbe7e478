#include "policy/config/show.h"

#include "policy/config/loader.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/problems.h"

#include <iostream>

namespace headgate::proxy {

int show(const std::string& config) {
    const policy::LoadResult result =
        policy::load_policy(config, {.needs_secrets = false, .environment = {}});
    for (const policy::Problem& problem : result.problems) {
        print_problem(std::cerr, problem);
    }
    if (!result.snapshot || !result.tree) {
        return 1;
    }
    std::cout << policy::show_policy(*result.tree) << std::flush;
    return std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
