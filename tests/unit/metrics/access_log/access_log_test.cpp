#include "metrics/access_log/access_log.h"

#include "tests/unit/metrics/access_log/temp_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace headgate::metrics {
namespace {

std::unique_ptr<AccessLog> opened(std::string_view where) {
    auto log = AccessLog::open(where);
    if (!log) {
        ADD_FAILURE() << log.error();
        return AccessLog::open("none").value();
    }
    return std::move(*log);
}

/// A pipe with a name, its reading end not blocking.
class Fifo {
public:
    Fifo() : path_{folder_.file("fifo")} {
        EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
        reader_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    ~Fifo() { close_reader(); }

    const std::string& path() const { return path_; }
    std::string read_all() {
        std::string text;
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = ::read(reader_, part.data(), part.size())) > 0;) {
            text.append(part.data(), static_cast<std::size_t>(n));
        }
        return text;
    }
    void close_reader() {
        if (reader_ >= 0) {
            ::close(reader_);
            reader_ = -1;
        }
    }

private:
    TempFolder folder_;
    std::string path_;
    int reader_ = -1;
};

/// Puts another descriptor in the place of stderr for the length of a test.
class StderrAs {
public:
    explicit StderrAs(int fd) : before_{::dup(STDERR_FILENO)} { ::dup2(fd, STDERR_FILENO); }
    ~StderrAs() {
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
    }

private:
    int before_;
};

TEST(AccessLog, AppendsToAFileThatItMakesReadableForTheGroupOnly) {
    const TempFolder folder;
    const std::string path = folder.file("access.log");
    const mode_t mask = ::umask(0);

    opened(path)->write("one\n");
    opened(path)->write("two\n");

    ::umask(mask);
    struct stat status = {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0640U);
    EXPECT_EQ(content_of(path), "one\ntwo\n");
}

TEST(AccessLog, TellsWhyAFileCannotBeOpened) {
    const TempFolder folder;

    const auto missing = AccessLog::open(folder.file("no/such/access.log"));
    const auto directory = AccessLog::open(folder.file(""));

    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error(), "cannot open the access log " + folder.file("no/such/access.log") +
                                   ": No such file or directory");
    ASSERT_FALSE(directory.has_value());
    EXPECT_NE(directory.error().find("Is a directory"), std::string::npos) << directory.error();
}

TEST(AccessLog, RefusesAPipeThatNobodyReadsInsteadOfWaitingForOne) {
    Fifo fifo;
    fifo.close_reader();

    EXPECT_FALSE(AccessLog::open(fifo.path()).has_value());
}

TEST(AccessLog, IsOffForNone) {
    EXPECT_FALSE(opened("none")->is_on());
}

TEST(AccessLog, OpensAFileAnewAfterItWasMovedAway) {
    const TempFolder folder;
    const std::string path = folder.file("access.log");
    const std::string moved = folder.file("access.log.1");
    const std::unique_ptr<AccessLog> log = opened(path);
    log->write("before\n");

    std::filesystem::rename(path, moved);
    log->write("between\n");
    ASSERT_TRUE(log->reopen().has_value());
    log->write("after\n");

    EXPECT_EQ(content_of(moved), "before\nbetween\n");
    EXPECT_EQ(content_of(path), "after\n");
}

TEST(AccessLog, GoesOnWithTheOldFileWhereANewOneCannotBeOpened) {
    const TempFolder folder;
    const std::string path = folder.file("access.log");
    const std::string moved = folder.file("access.log.1");
    const std::unique_ptr<AccessLog> log = opened(path);
    std::filesystem::rename(path, moved);
    std::filesystem::create_directory(path);

    const std::expected<void, std::string> again = log->reopen();
    log->write("still here\n");

    ASSERT_FALSE(again.has_value());
    EXPECT_NE(again.error().find(path), std::string::npos);
    EXPECT_EQ(content_of(moved), "still here\n");
}

TEST(AccessLog, NeverWaitsForAReaderAndNeverTearsALine) {
    Fifo fifo;
    const std::unique_ptr<AccessLog> log = opened(fifo.path());
    std::string batch;
    for (int i = 0; i < 1'000; ++i) {  // 251,000 bytes: more than a pipe holds
        batch += std::string(250, static_cast<char>('a' + i % 26)) + "\n";
    }

    const AccessLog::Written first = log->write(batch);
    const AccessLog::Written refused = log->write("lost\n");
    std::string seen = fifo.read_all();
    const AccessLog::Written second = log->write("found\n");
    seen += fifo.read_all();

    EXPECT_FALSE(first.has_failed);
    ASSERT_GT(first.taken, 0U);
    ASSERT_LT(first.taken, batch.size());
    EXPECT_EQ(refused.taken, 0U);
    EXPECT_FALSE(refused.has_failed);
    EXPECT_EQ(second.taken, 6U);
    EXPECT_EQ(seen, batch.substr(0, first.taken) + "found\n");
}

TEST(AccessLog, SaysThatWritingFailedWhereTheReaderHasGone) {
    std::signal(SIGPIPE, SIG_IGN);
    Fifo fifo;
    const std::unique_ptr<AccessLog> log = opened(fifo.path());
    fifo.close_reader();

    const AccessLog::Written written = log->write("line\n");

    EXPECT_TRUE(written.has_failed);
    EXPECT_EQ(written.taken, 0U);
}

TEST(AccessLog, SharesTheOffsetOfAStderrThatIsAFile) {
    const TempFolder folder;
    const std::string path = folder.file("stderr");
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    {
        const StderrAs stderr_file{file};
        const std::unique_ptr<AccessLog> log = opened("stderr");
        ASSERT_EQ(::write(STDERR_FILENO, "first\n", 6), 6);
        log->write("second\n");
        ASSERT_EQ(::write(STDERR_FILENO, "third\n", 6), 6);
    }
    ::close(file);

    EXPECT_EQ(content_of(path), "first\nsecond\nthird\n");
}

TEST(AccessLog, DoesNotWaitForTheReaderOfAPipeThatIsStderr) {
    std::array<int, 2> ends = {-1, -1};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    AccessLog::Written written;
    {
        const StderrAs stderr_pipe{ends[1]};
        written = opened("stderr")->write(std::string(300'000, 'x') + "\n");
    }

    EXPECT_EQ(written.taken, 300'001U);  // one line: what did not fit goes out with the next
    EXPECT_FALSE(written.has_failed);
    EXPECT_EQ(::fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0) << "the shared description was changed";
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(AccessLog, DoesNotWaitForTheReaderOfASocketThatIsStderr) {
    std::array<int, 2> ends = {-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const std::string line = std::string(99'999, 'x') + "\n";
    std::string batch;
    for (int i = 0; i < 100; ++i) {
        batch += line;
    }
    AccessLog::Written written;
    {
        const StderrAs stderr_socket{ends[1]};
        written = opened("stderr")->write(batch);
    }

    EXPECT_FALSE(written.has_failed);
    EXPECT_GT(written.taken, 0U);
    EXPECT_LT(written.taken, batch.size());
    EXPECT_EQ(written.taken % line.size(), 0U);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(AccessLog, KeepsTheBatchesOfSeveralThreadsApart) {
    const TempFolder folder;
    const std::string path = folder.file("access.log");
    const std::unique_ptr<AccessLog> log = opened(path);
    {
        std::vector<std::jthread> writers;
        for (char name = 'a'; name < 'e'; ++name) {
            writers.emplace_back([&log, name] {
                std::string batch;
                for (int line = 0; line < 3; ++line) {
                    batch.append(700, name).append("\n");
                }
                for (int i = 0; i < 50; ++i) {
                    log->write(batch);
                }
            });
        }
    }

    const std::vector<std::string> lines = lines_of(content_of(path));
    ASSERT_EQ(lines.size(), 4U * 50U * 3U);
    for (std::size_t i = 0; i < lines.size(); i += 3) {
        EXPECT_EQ(lines[i], std::string(700, lines[i].front()));
        EXPECT_EQ(lines[i + 1], lines[i]);
        EXPECT_EQ(lines[i + 2], lines[i]);
    }
}

}  // namespace
}  // namespace headgate::metrics
