#include "tests/conformance/limits/redis_process.h"

#include "tests/conformance/limits/blocking_redis.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace headgate::policy::testing {

namespace {

std::string make_directory() {
    std::string path = (std::filesystem::temp_directory_path() / "hg-redis-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
        throw std::runtime_error("no directory for redis-server");
    }
    return path;
}

/// A loopback port that nobody listens on.
std::uint16_t free_port() {
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool is_bound = bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                          getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    close(probe);
    if (!is_bound) {
        throw std::runtime_error("no free port");
    }
    return ntohs(address.sin_port);
}

/// Runs `words` as a child that does not outlive this thread. Its stdout goes to `output`.
pid_t spawn(const std::vector<std::string>& words, int output) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(output, STDOUT_FILENO);
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    if (child < 0) {
        throw std::runtime_error("fork failed");
    }
    return child;
}

int wait_for_end(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/// Reads a process' log until a line has `text`; false: it ended before.
bool wait_for_text(int output, const std::string& text) {
    std::string log;
    char bytes[4096];
    for (ssize_t size = 0; (size = read(output, bytes, sizeof bytes)) > 0;) {
        log.append(bytes, static_cast<std::size_t>(size));
        if (log.find(text) != std::string::npos) {
            return true;
        }
    }
    return false;
}

/// Until that node says that all slots are served. The pause only spares the processor between two
/// looks.
void wait_until_whole(const std::string& address) {
    RedisConnection node{address};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (node.ask({"CLUSTER", "INFO"}).text.find("cluster_state:ok") == std::string::npos) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("the cluster does not become whole");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
}

}  // namespace

RedisProcess::RedisProcess(std::string directory,
                           std::string address,
                           std::vector<std::string> options)
    : directory_{std::move(directory)}, address_{std::move(address)}, options_{std::move(options)} {
    start();
}

std::unique_ptr<RedisProcess> RedisProcess::on_socket() {
    const std::string directory = make_directory();
    const std::string path = directory + "/redis.sock";
    return std::unique_ptr<RedisProcess>{
        new RedisProcess{directory, "unix:" + path, {"--port", "0", "--unixsocket", path}}};
}

std::unique_ptr<RedisProcess> RedisProcess::for_cluster() {
    const std::string directory = make_directory();
    const std::string port = std::to_string(free_port());
    const std::string bus = std::to_string(free_port());
    return std::unique_ptr<RedisProcess>{
        new RedisProcess{directory,
                         "127.0.0.1:" + port,
                         {"--port", port, "--bind", "127.0.0.1", "--cluster-enabled", "yes",
                          "--cluster-port", bus}}};
}

void RedisProcess::start() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe");
    }
    std::vector<std::string> words{"redis-server", "--dir", directory_,  "--save", "",
                                   "--daemonize",  "no",    "--logfile", ""};
    words.insert(words.end(), options_.begin(), options_.end());
    child_ = spawn(words, ends[1]);
    close(ends[1]);
    output_ = ends[0];
    if (!wait_for_text(output_, "eady to accept connections")) {
        throw std::runtime_error("redis-server did not start");
    }
}

void RedisProcess::stop(int signal) {
    if (child_ > 0) {
        kill(child_, signal);
        wait_for_end(child_);
        child_ = -1;
    }
    if (output_ >= 0) {
        close(output_);
        output_ = -1;
    }
}

void RedisProcess::restart() {
    stop(SIGKILL);
    start();
}

RedisProcess::~RedisProcess() {
    stop(SIGTERM);
    std::error_code ignored;  // a directory that stays harms nobody
    std::filesystem::remove_all(directory_, ignored);
}

RedisCluster::RedisCluster() {
    std::vector<std::string> words{"redis-cli", "--cluster", "create"};
    for (int i = 0; i < 3; ++i) {
        nodes_.push_back(RedisProcess::for_cluster());
        words.push_back(nodes_.back()->address());
    }
    words.emplace_back("--cluster-yes");
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const int status = wait_for_end(spawn(words, nowhere));
    close(nowhere);
    if (status != 0) {
        throw std::runtime_error("no cluster came about");
    }
    for (const std::unique_ptr<RedisProcess>& node : nodes_) {
        wait_until_whole(node->address());
    }
}

}  // namespace headgate::policy::testing
