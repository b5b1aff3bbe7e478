#include "proxy/cli/admin_records.h"

#include "proxy/bookkeeping/open_store.h"

namespace headgate::proxy {

template <class Call>
auto AdminRecords::with_store(Call&& call) -> decltype(call(std::declval<policy::RecordStore&>())) {
    if (!store_) {
        auto opened = open_store(state_);
        if (!opened) {
            return std::unexpected{opened.error()};
        }
        store_ = std::move(*opened);
    }
    auto result = std::forward<Call>(call)(*store_);
    if (!result) {
        store_.reset();
    }
    return result;
}

policy::Stored<policy::LedgerPage> AdminRecords::page(const policy::LedgerQuery& query) {
    return with_store([&](policy::RecordStore& store) { return store.page(query); });
}

policy::Stored<std::optional<std::string>> AdminRecords::row(std::string_view id) {
    return with_store([&](policy::RecordStore& store) { return store.find_row(id); });
}

}  // namespace headgate::proxy
