#include "proxy/cli/admin_records.h"

#include "proxy/bookkeeping/open_store.h"

namespace headgate::proxy {
namespace {

constexpr std::chrono::seconds kRetryAfter{2};

}  // namespace

template <class Call>
auto AdminRecords::with_store(Call&& call) -> decltype(call(std::declval<policy::RecordStore&>())) {
    const auto now = std::chrono::steady_clock::now();
    const auto fail = [&](const policy::StoreError& error) {
        store_.reset();
        latest_ = error;
        retry_at_ = std::chrono::steady_clock::now() + kRetryAfter;
        return std::unexpected{error};
    };
    if (now < retry_at_) {
        return std::unexpected{latest_};
    }
    if (!store_) {
        auto opened = open_store(state_);
        if (!opened) {
            return fail(opened.error());
        }
        store_ = std::move(*opened);
    }
    auto result = std::forward<Call>(call)(*store_);
    if (!result) {
        return fail(result.error());
    }
    return result;
}

policy::Stored<std::vector<policy::KeyUse>> AdminRecords::uses() {
    return with_store([](policy::RecordStore& store) { return store.uses(); });
}

policy::Stored<policy::LedgerPage> AdminRecords::page(const policy::LedgerQuery& query) {
    return with_store([&](policy::RecordStore& store) { return store.page(query); });
}

policy::Stored<std::optional<std::string>> AdminRecords::row(std::string_view id) {
    return with_store([&](policy::RecordStore& store) { return store.find_row(id); });
}

}  // namespace headgate::proxy
