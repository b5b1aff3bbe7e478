#include "metrics/access_log/access_log.h"
#include "tests/unit/metrics/access_log/temp_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>

namespace headgate::metrics {
namespace {

using namespace std::chrono_literals;

constexpr providers::SteadyTime kStart{1h};

policy::LedgerRow row_named(std::string_view id) {
    policy::LedgerRow row;
    row.id = id;
    return row;
}

class AccessBufferTest : public testing::Test {
protected:
    TempFolder folder_;
    std::string path_ = folder_.file("access.log");
    std::shared_ptr<AccessLog> log_ = AccessLog::open(path_).value();
    AccessBuffer buffer_{log_};

    std::vector<std::string> written() const { return lines_of(content_of(path_)); }
};

TEST_F(AccessBufferTest, WritesOneJsonLineARowWithTheAccessFields) {
    buffer_.append(row_named("req_1"));
    buffer_.append(row_named("req_2"));

    buffer_.flush();

    const std::vector<std::string> lines = written();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_TRUE(lines[0].starts_with(R"({"id":"req_1",)")) << lines[0];
    EXPECT_TRUE(lines[1].starts_with(R"({"id":"req_2",)")) << lines[1];
    EXPECT_TRUE(lines[1].ends_with(R"("overhead_ms":0})")) << lines[1];
}

TEST_F(AccessBufferTest, WritesASecondAfterTheFirstLineWasSeen) {
    buffer_.append(row_named("req_1"));

    buffer_.flush_if_due(kStart);
    buffer_.flush_if_due(kStart + 999ms);
    const std::size_t early = written().size();
    buffer_.flush_if_due(kStart + 1s);

    EXPECT_EQ(early, 0U);
    EXPECT_EQ(written().size(), 1U);
}

TEST_F(AccessBufferTest, CountsTheWaitAnewForLinesBehindAWrittenBatch) {
    buffer_.append(row_named("req_1"));
    buffer_.flush_if_due(kStart);
    buffer_.flush_if_due(kStart + 1s);
    buffer_.append(row_named("req_2"));

    buffer_.flush_if_due(kStart + 1500ms);
    buffer_.flush_if_due(kStart + 2s);
    const std::size_t early = written().size();
    buffer_.flush_if_due(kStart + 2500ms);

    EXPECT_EQ(early, 1U);
    EXPECT_EQ(written().size(), 2U);
}

TEST_F(AccessBufferTest, WritesAtOnceWhereABatchIsFull) {
    const std::string requested(200, 'm');
    policy::LedgerRow row = row_named("req_1");
    row.requested_model = requested;
    std::size_t appended = 0;

    while (content_of(path_).empty() && appended < 1'000) {
        buffer_.append(row);
        ++appended;
    }

    EXPECT_EQ(written().size(), appended);
    EXPECT_GE(content_of(path_).size(), AccessBuffer::kBatchBytes);
}

TEST_F(AccessBufferTest, WritesWhatIsLeftWhenItGoes) {
    {
        AccessBuffer last{log_};
        last.append(row_named("req_last"));
    }

    EXPECT_EQ(written().size(), 1U);
}

TEST_F(AccessBufferTest, WritesToAnotherLogFromTheMomentItIsTold) {
    const TempFolder other_folder;
    const std::string other = other_folder.file("other.log");
    buffer_.append(row_named("req_1"));

    buffer_.write_to(AccessLog::open(other).value());
    buffer_.append(row_named("req_2"));
    buffer_.flush();

    EXPECT_EQ(written().size(), 1U);
    EXPECT_TRUE(content_of(other).contains("req_2"));
    EXPECT_FALSE(content_of(other).contains("req_1"));
}

TEST(AccessBuffer, FormatsNothingForALogThatIsOff) {
    const std::shared_ptr<AccessLog> log = AccessLog::open("none").value();
    AccessBuffer buffer{log};

    for (int i = 0; i < 10'000; ++i) {
        buffer.append(row_named("req_1"));
    }
    buffer.flush();

    EXPECT_EQ(buffer.dropped(), 0U);
}

TEST(AccessBuffer, CountsLinesThatAFailingSinkDidNotTake) {
    std::signal(SIGPIPE, SIG_IGN);
    const TempFolder folder;
    const std::string path = folder.file("fifo");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const std::shared_ptr<AccessLog> log = AccessLog::open(path).value();
    AccessBuffer buffer{log};
    ::close(reader);
    buffer.append(row_named("req_1"));
    buffer.append(row_named("req_2"));

    buffer.flush();

    EXPECT_EQ(buffer.dropped(), 2U);
}

TEST(AccessBuffer, HoldsABoundedAmountForAReaderThatStandsStillAndLosesNoneOfIt) {
    const TempFolder folder;
    const std::string path = folder.file("fifo");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const std::shared_ptr<AccessLog> log = AccessLog::open(path).value();
    AccessBuffer buffer{log};
    constexpr std::size_t kRows = 10'000;  // some 5 MB: the pipe and the buffer hold about a fifth

    for (std::size_t i = 0; i < kRows; ++i) {
        buffer.append(row_named("req_1"));
    }
    const std::uint64_t dropped = buffer.dropped();
    std::string seen;
    std::string part(65'536, '\0');
    for (int round = 0; round < 100; ++round) {
        for (ssize_t n = 0; (n = ::read(reader, part.data(), part.size())) > 0;) {
            seen.append(part, 0, static_cast<std::size_t>(n));
        }
        buffer.flush();
    }
    ::close(reader);

    EXPECT_GT(dropped, kRows / 2);
    EXPECT_EQ(buffer.dropped(), dropped);
    const std::vector<std::string> lines = lines_of(seen);
    ASSERT_EQ(lines.size() + dropped, kRows);
    for (const std::string& line : lines) {
        EXPECT_EQ(line, lines.front());
    }
}

}  // namespace
}  // namespace headgate::metrics
