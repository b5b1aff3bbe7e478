#include "proxy/cli/records_command.h"

#include "proxy/bookkeeping/open_store.h"
#include "proxy/cli/problems.h"

#include <iostream>

namespace headgate::proxy {

RecordsCommand open_records(std::string_view command, const std::string& config) {
    RecordsCommand opened;
    opened.policy = load_without_secrets(config);
    if (!opened.policy) {
        return opened;
    }
    auto store = open_store(opened.policy->state);
    if (!store) {
        store_failed(command, store.error());
        return opened;
    }
    opened.store = std::move(*store);
    return opened;
}

int store_failed(std::string_view command, const policy::StoreError& error) {
    std::cerr << "headgate: " << command << ": state.records: " << error.text << '\n';
    return 1;
}

}  // namespace headgate::proxy
