#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace headgate::test_support {

/// A folder of its own under the system's temporary one; goes with the object.
class ScratchFolder {
public:
    ScratchFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "headgate-XXXXXX").string();
        path_ = ::mkdtemp(name.data()) != nullptr ? name : std::string{};
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    std::string file(std::string_view name) const { return path_ + "/" + std::string{name}; }

private:
    std::string path_;
};

/// A port of the loopback address that was free a moment ago.
inline std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

/// Starts a program that is found by its name, with its output on `output`; 0: there is none.
inline pid_t spawn(std::vector<std::string> words, int output) {
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, arguments.front(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? pid : 0;
}

/// Runs a program to its end. True: it ended well.
inline bool run_command(std::vector<std::string> words) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    const pid_t pid = spawn(std::move(words), nowhere);
    ::close(nowhere);
    int status = 0;
    return pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/// A redis-server of the test's own: on a unix socket in a scratch folder, and on a loopback port.
/// Keeps nothing on disk. Lives until stop() or the end of the object.
class RedisServer {
public:
    /// `options`: further words of its command line, "--requirepass", "secret".
    explicit RedisServer(std::vector<std::string> options = {})
        : options_{std::move(options)}, port_{free_port()} {
        start();
    }
    ~RedisServer() { stop(); }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    /// False: there is no redis-server here, or it was stopped. One that does not start throws.
    bool is_running() const { return pid_ > 0; }
    std::uint16_t port() const { return port_; }
    std::string unix_path() const { return folder_.file("redis.sock"); }
    const ScratchFolder& folder() const { return folder_; }

    /// On the same port and socket, with no data. Returns when it accepts connections.
    void start() {
        std::vector<std::string> words{"redis-server",   "--port",    std::to_string(port_),
                                       "--bind",         "127.0.0.1", "--unixsocket",
                                       unix_path(),      "--save",    "",
                                       "--appendonly",   "no",        "--dir",
                                       folder_.file(""), "--logfile", ""};
        words.insert(words.end(), options_.begin(), options_.end());
        std::array<int, 2> log{};
        if (::pipe2(log.data(), O_CLOEXEC) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe");
        }
        pid_ = spawn(std::move(words), log[1]);
        ::close(log[1]);
        if (pid_ > 0) {
            await_ready(log[0]);
        }
    }

    /// At once, as a crash would.
    void stop() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            pid_ = 0;
        }
    }
    void pause() const { ::kill(pid_, SIGSTOP); }
    void resume() const { ::kill(pid_, SIGCONT); }

private:
    /// Reads the log until it tells that connections are accepted; `log` stays open for more.
    void await_ready(int log) {
        std::string text;
        std::array<char, 4096> bytes{};
        while (text.find("Ready to accept connections") == std::string::npos &&
               text.find("ready to accept connections at") == std::string::npos) {
            const ssize_t got = ::read(log, bytes.data(), bytes.size());
            if (got <= 0) {
                stop();
                throw std::runtime_error("redis-server did not start: " + text);
            }
            text.append(bytes.data(), static_cast<std::size_t>(got));
        }
        if (log_ >= 0) {
            ::close(log_);
        }
        log_ = log;
    }

    ScratchFolder folder_;
    std::vector<std::string> options_;
    std::uint16_t port_ = 0;
    pid_t pid_ = 0;
    int log_ = -1;
};

}  // namespace headgate::test_support
