#include "proxy/cli/version.h"

#include "proxy/cli/commands.h"

#include <boost/version.hpp>

#include <CLI/Version.hpp>
#include <openssl/crypto.h>
#include <rapidjson/rapidjson.h>
#include <spdlog/version.h>

#include <iostream>

namespace headgate::proxy {

metrics::BuildInfo build_info() {
    return {.version = HEADGATE_VERSION, .commit = HEADGATE_COMMIT};
}

int print_version() {
    std::cout << "headgate  " << HEADGATE_VERSION << '\n'
              << "commit    " << HEADGATE_COMMIT << '\n'
              << "compiler  " << __VERSION__ << '\n'
              << "boost     " << BOOST_VERSION / 100'000 << '.' << BOOST_VERSION / 100 % 1000 << '.'
              << BOOST_VERSION % 100 << '\n'
              << "openssl   " << OpenSSL_version(OPENSSL_VERSION_STRING) << '\n'
              << "rapidjson " << RAPIDJSON_VERSION_STRING << '\n'
              << "spdlog    " << SPDLOG_VER_MAJOR << '.' << SPDLOG_VER_MINOR << '.'
              << SPDLOG_VER_PATCH << '\n'
              << "cli11     " << CLI11_VERSION << '\n'
              << std::flush;
    return std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
