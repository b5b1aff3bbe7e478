#include "tests/conformance/records/postgres_server.h"
#include "tests/conformance/records/record_store_suite.h"

namespace headgate::policy {
namespace {

class PostgresDatabase final : public TestDatabase {
public:
    PostgresDatabase() : name_{PostgresServer::shared().create_database()} {}
    ~PostgresDatabase() override { PostgresServer::shared().drop_database(name_); }

    std::unique_ptr<RecordStore> open() override {
        Stored<std::unique_ptr<RecordStore>> store =
            open_postgresql(PostgresServer::shared().uri(name_), false, std::chrono::seconds{10});
        EXPECT_TRUE(store) << store.error().text;
        return store ? std::move(*store) : nullptr;
    }

private:
    std::string name_;
};

std::unique_ptr<TestDatabase> create() {
    return PostgresServer::is_installed() ? std::make_unique<PostgresDatabase>() : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Postgresql,
                         RecordStoreSuite,
                         testing::Values(Backend{"postgresql", create}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace headgate::policy
