#include "policy/config/schema.h"

#include "proxy/cli/commands.h"

#include <iostream>

namespace headgate::proxy {

int schema() {
    std::cout << policy::policy_schema() << std::flush;
    return std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
