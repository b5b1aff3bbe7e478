#include "policy/store/sqlite/sqlite_store.h"
#include "tests/unit/policy/store/sqlite/sqlite_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace headgate::policy {
namespace {

constexpr std::string_view kInstance = "0000000000000001";

SqliteDatabase database_at(const std::string& file) {
    Stored<SqliteDatabase> database = SqliteDatabase::open(file, false);
    if (!database) {
        throw std::runtime_error(database.error().text);
    }
    return std::move(*database);
}

/// The error of opening `file`; a failure of the test where it opens.
StoreError open_error(const std::string& file) {
    const auto store = open_sqlite(file, false);
    if (store) {
        ADD_FAILURE() << file << " opens";
        return {};
    }
    return store.error();
}

bool tells(const StoreError& error, std::string_view words) {
    return error.text.find(words) != std::string::npos;
}

/// While it lives, this process is an unprivileged one: root may write everything.
class Unprivileged {
public:
    Unprivileged() : is_root_{::geteuid() == 0} {
        if (is_root_) {
            EXPECT_EQ(::seteuid(65534), 0);
        }
    }
    Unprivileged(const Unprivileged&) = delete;
    Unprivileged& operator=(const Unprivileged&) = delete;
    ~Unprivileged() {
        if (is_root_) {
            EXPECT_EQ(::seteuid(0), 0);
        }
    }

private:
    bool is_root_;
};

TEST(SqliteFailure, IsAwayWhereTheDirectoryDoesNotExist) {
    const TestDirectory directory;

    const StoreError error = open_error(directory.path() / "none" / "headgate.db");

    EXPECT_EQ(error.kind, StoreError::Kind::away);
    EXPECT_TRUE(tells(error, "none/headgate.db cannot be created: No such file")) << error.text;
}

TEST(SqliteFailure, IsAwayWhereThePathIsADirectory) {
    const TestDirectory directory;

    const StoreError error = open_error(directory.path());

    EXPECT_EQ(error.kind, StoreError::Kind::away);
    EXPECT_TRUE(tells(error, "cannot be opened")) << error.text;
}

TEST(SqliteFailure, IsAwayWhereTheFileIsReadOnly) {
    const TestDirectory directory;
    ASSERT_NE(open_store(directory.file()), nullptr);
    ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(directory.file().c_str(), 0444), 0);
    const Unprivileged process;

    const StoreError error = open_error(directory.file());

    EXPECT_EQ(error.kind, StoreError::Kind::away);
    EXPECT_TRUE(tells(error, "is read-only")) << error.text;
}

TEST(SqliteFailure, RefusesAFileThatIsNoDatabaseAndLeavesItAlone) {
    const TestDirectory directory;
    const std::string text(4'096, 'x');
    std::ofstream{directory.file()} << text;

    const StoreError error = open_error(directory.file());

    EXPECT_EQ(error.kind, StoreError::Kind::refused);
    EXPECT_TRUE(tells(error, "is not a SQLite database")) << error.text;
    std::ifstream file{directory.file()};
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>{file}, {}), text);
}

TEST(SqliteFailure, RefusesTheTablesOfAnotherProgram) {
    const TestDirectory directory;
    ASSERT_TRUE(database_at(directory.file()).execute("CREATE TABLE songs(title TEXT)"));

    const StoreError error = open_error(directory.file());

    EXPECT_EQ(error.kind, StoreError::Kind::refused);
    EXPECT_TRUE(tells(error, "another program")) << error.text;
}

TEST(SqliteFailure, RefusesTheSchemaOfANewerProgram) {
    const TestDirectory directory;
    ASSERT_NE(open_store(directory.file()), nullptr);
    ASSERT_TRUE(database_at(directory.file()).execute("UPDATE schema_version SET version = 99"));

    const StoreError error = open_error(directory.file());

    EXPECT_EQ(error.kind, StoreError::Kind::refused);
    EXPECT_TRUE(tells(error, "has schema 99, this program knows 1")) << error.text;
}

/// Writes rubbish over the file from there on.
void damage(const std::string& file, std::streamoff from) {
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file));
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekp(from);
    bytes << std::string(static_cast<std::size_t>(size - from), '\xee');
}

TEST(SqliteFailure, RefusesToOpenADamagedFile) {
    const TestDirectory directory;
    ASSERT_NE(open_store(directory.file()), nullptr);
    damage(directory.file(), 4'096);  // behind the first page, which tells that it is SQLite's

    const StoreError error = open_error(directory.file());

    EXPECT_EQ(error.kind, StoreError::Kind::refused);
    EXPECT_TRUE(tells(error, "is damaged")) << error.text;
}

TEST(SqliteFailure, IsAwayWhereTheFileTurnsOutDamagedSoThatNoRowIsDropped) {
    const TestDirectory directory;
    const TestRows rows{1'000};
    ASSERT_TRUE(open_store(directory.file())->append(rows.rows(), kInstance));
    damage(directory.file(),
           static_cast<std::streamoff>(std::filesystem::file_size(directory.file()) / 2));
    const auto store = open_store(directory.file());
    ASSERT_NE(store, nullptr);

    const Stored<void> appended = store->append(TestRows{1, "zzz-"}.rows(), kInstance);
    const auto found = store->find_row(rows.id(999));

    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().kind, StoreError::Kind::away);
    EXPECT_TRUE(tells(appended.error(), "is damaged")) << appended.error().text;
    ASSERT_FALSE(found);
    EXPECT_TRUE(tells(found.error(), "is damaged")) << found.error().text;
}

TEST(SqliteFailure, IsAwayWhereTheDiskIsFullAndStoresNothingByHalves) {
    const TestDirectory directory;
    SqliteDatabase small = database_at(directory.file());
    ASSERT_TRUE(small.execute("PRAGMA max_page_count = 64"));
    const auto store = SqliteStore::over(std::move(small));
    ASSERT_TRUE(store);
    const TestRows few{10, "few-"};
    const TestRows many{1'000};
    ASSERT_TRUE((*store)->append(few.rows(), kInstance));

    const Stored<void> full = (*store)->append(many.rows(), kInstance);

    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().kind, StoreError::Kind::away);
    EXPECT_TRUE(tells(full.error(), "the disk is full")) << full.error().text;
    EXPECT_EQ(count_rows(**store), 10U);
    const auto roomy = open_store(directory.file());
    EXPECT_TRUE(roomy->append(many.rows(), kInstance));
    EXPECT_EQ(count_rows(**store), 1'010U);
    const auto sums = (*store)->day_sums(Day::min());
    ASSERT_TRUE(sums);
    ASSERT_EQ(sums->size(), 1U);
    EXPECT_EQ(sums->front().spent, providers::Money::nanos(5 * 1'010));
}

TEST(SqliteFailure, IsAwayWhileAnotherWritesAndStillReads) {
    const TestDirectory directory;
    const auto store = open_store(directory.file());
    SqliteDatabase other = database_at(directory.file());
    ASSERT_TRUE(other.execute("BEGIN IMMEDIATE"));
    const TestRows rows{3};

    const Stored<void> locked = store->append(rows.rows(), kInstance);
    const auto row = store->find_row(rows.id(0));
    ASSERT_TRUE(other.execute("ROLLBACK"));
    const Stored<void> later = store->append(rows.rows(), kInstance);

    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().kind, StoreError::Kind::away);
    EXPECT_TRUE(tells(locked.error(), "is locked by another process")) << locked.error().text;
    EXPECT_TRUE(row && !*row);
    EXPECT_TRUE(later);
}

}  // namespace
}  // namespace headgate::policy
