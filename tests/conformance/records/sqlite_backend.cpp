#include "tests/conformance/records/record_store_suite.h"

#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace headgate::policy {
namespace {

/// A file in a directory of its own.
class SqliteFile : public TestDatabase {
public:
    SqliteFile() {
        std::string path = std::filesystem::temp_directory_path() / "headgate-records-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), "mkdtemp");
        }
        directory_ = path;
    }
    SqliteFile(const SqliteFile&) = delete;
    SqliteFile& operator=(const SqliteFile&) = delete;
    ~SqliteFile() override {
        std::error_code ignored;  // a test that left something behind has told so already
        std::filesystem::remove_all(directory_, ignored);
    }

    std::unique_ptr<RecordStore> open() override {
        Stored<std::unique_ptr<RecordStore>> store = open_sqlite(directory_ / "headgate.db", false);
        if (!store) {
            throw std::runtime_error(store.error().text);
        }
        return std::move(*store);
    }

private:
    std::filesystem::path directory_;
};

std::unique_ptr<TestDatabase> create() {
    return std::make_unique<SqliteFile>();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Sqlite, RecordStoreSuite, testing::Values(Backend{"sqlite", create}));

}  // namespace headgate::policy
