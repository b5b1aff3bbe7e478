#include "proxy/bookkeeping/open_store.h"

#include <filesystem>

namespace headgate::proxy {
namespace {

constexpr std::chrono::seconds kConnectTime{3};

}  // namespace

policy::Stored<std::unique_ptr<policy::RecordStore>> open_store(
    const policy::StateSettings& state) {
    const bool is_durable = state.durability == policy::Durability::durable;
    switch (state.records) {
        case policy::RecordsKind::sqlite:
            return policy::open_sqlite(
                (std::filesystem::path{state.directory} / state.sqlite_path).string(), is_durable);
        case policy::RecordsKind::postgresql:
            return policy::open_postgresql(std::string{state.postgresql.reveal()}, is_durable,
                                           kConnectTime);
        case policy::RecordsKind::none:
            break;
    }
    return std::unexpected{policy::StoreError{policy::StoreError::Kind::refused,
                                              "the policy keeps no records (`records: none`)"}};
}

}  // namespace headgate::proxy
