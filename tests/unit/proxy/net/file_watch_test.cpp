#include "proxy/net/file_watch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <fstream>

namespace headgate::proxy {
namespace {

namespace fs = std::filesystem;

/// A directory of its own with one file, and a watch on that file.
class FileWatchTest : public testing::Test {
protected:
    FileWatchTest()
        : folder_{fs::path{testing::TempDir()} /
                  testing::UnitTest::GetInstance()->current_test_info()->name()} {
        fs::remove_all(folder_);
        fs::create_directories(folder_);
        write(folder_ / "policy.yaml", "old");
    }
    ~FileWatchTest() override { fs::remove_all(folder_); }

    static void write(const fs::path& path, std::string_view text) { std::ofstream{path} << text; }

    void watch(const fs::path& file) { watch_.watch({file.string()}, {}); }

    /// inotify queues an event before the call that made it returns: nothing to wait for.
    bool has_changed() { return watch_.take_changes(); }

    fs::path folder_;
    FileWatch watch_;
};

TEST_F(FileWatchTest, SeesAFileThatIsWrittenInPlace) {
    watch(folder_ / "policy.yaml");

    write(folder_ / "policy.yaml", "new");

    EXPECT_TRUE(has_changed());
    EXPECT_FALSE(has_changed());
}

TEST_F(FileWatchTest, SeesARename) {
    watch(folder_ / "policy.yaml");
    write(folder_ / "policy.yaml~", "new");
    EXPECT_FALSE(has_changed());

    fs::rename(folder_ / "policy.yaml~", folder_ / "policy.yaml");

    EXPECT_TRUE(has_changed());
}

TEST_F(FileWatchTest, SeesASecondRenameOverTheSameName) {
    watch(folder_ / "policy.yaml");

    for (int round = 0; round < 3; ++round) {
        write(folder_ / "new", "new");
        fs::rename(folder_ / "new", folder_ / "policy.yaml");

        EXPECT_TRUE(has_changed()) << round;
    }
}

TEST_F(FileWatchTest, DoesNotCareForOtherFilesOfTheDirectory) {
    watch(folder_ / "policy.yaml");

    write(folder_ / "access.log", "a line");

    EXPECT_FALSE(has_changed());
}

TEST_F(FileWatchTest, SeesKubernetesSwapTheLinkOnTheWay) {
    fs::create_directories(folder_ / "..v1");
    fs::create_directories(folder_ / "..v2");
    write(folder_ / "..v1/mounted.yaml", "one");
    write(folder_ / "..v2/mounted.yaml", "two");
    fs::create_symlink("..v1", folder_ / "..data");
    fs::create_symlink("..data/mounted.yaml", folder_ / "mounted.yaml");
    watch(folder_ / "mounted.yaml");

    fs::create_symlink("..v2", folder_ / "..data_tmp");
    fs::rename(folder_ / "..data_tmp", folder_ / "..data");

    EXPECT_TRUE(has_changed());
    watch(folder_ / "mounted.yaml");
    write(folder_ / "..v2/mounted.yaml", "three");
    EXPECT_TRUE(has_changed());
}

TEST_F(FileWatchTest, WaitsForAFileWhoseDirectoryIsNotThereYet) {
    watch(folder_ / "later/policy.yaml");

    fs::create_directories(folder_ / "later");

    EXPECT_TRUE(has_changed());
    watch(folder_ / "later/policy.yaml");
    write(folder_ / "later/policy.yaml", "here");
    EXPECT_TRUE(has_changed());
}

TEST_F(FileWatchTest, SeesEveryNameOfADirectoryThatIsWatchedWhole) {
    watch_.watch({}, {folder_.string()});

    write(folder_ / "team.yaml", "new");

    EXPECT_TRUE(has_changed());
}

TEST_F(FileWatchTest, ForgetsWhatIsNoLongerAskedFor) {
    watch(folder_ / "policy.yaml");
    watch_.watch({}, {});

    write(folder_ / "policy.yaml", "new");

    EXPECT_FALSE(has_changed());
}

TEST_F(FileWatchTest, SurvivesLinksThatLeadInACircle) {
    fs::create_symlink("b", folder_ / "a");
    fs::create_symlink("a", folder_ / "b");

    watch(folder_ / "a");

    EXPECT_FALSE(has_changed());
}

}  // namespace
}  // namespace headgate::proxy
