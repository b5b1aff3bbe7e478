#include "policy/config/scalars.h"
#include "policy/keys/project.h"
#include "proxy/cli/commands.h"

#include <iostream>

namespace headgate::proxy {

int keys_new(const std::string& name) {
    if (!name.empty() && !policy::is_plain_name(name)) {
        std::cerr << "headgate: keys new: --name must be 1 to 64 letters, digits, `_`, `.` and "
                     "`-`\n";
        return 2;
    }
    const std::string key = policy::make_client_key();
    policy::KeyHasher hasher;
    // The key stands alone in its line, then the entry for `projects.<id>.keys`.
    std::cout << key << "\n\n"
              << "- name: " << (name.empty() ? "new" : name) << '\n'
              << "  sha256: " << policy::to_hex(hasher.digest(key)) << '\n'
              << std::flush;
    return std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
