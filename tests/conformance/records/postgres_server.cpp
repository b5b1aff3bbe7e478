#include "tests/conformance/records/postgres_server.h"

#include "policy/store/postgres/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace headgate::policy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUser = "headgate";
constexpr std::string_view kPassword = "pg-secret-9f3";
/// A bound for a broken server, not a pace.
constexpr std::chrono::seconds kStartBound{60};

/// The folder of initdb and postgres; empty where there is none.
fs::path find_binaries() {
    std::vector<fs::path> folders;
    const fs::path versions = "/usr/lib/postgresql";
    if (fs::is_directory(versions)) {
        for (const fs::directory_entry& version : fs::directory_iterator{versions}) {
            folders.push_back(version.path() / "bin");
        }
    }
    std::istringstream path{std::getenv("PATH") == nullptr ? "" : std::getenv("PATH")};
    for (std::string folder; std::getline(path, folder, ':');) {
        folders.emplace_back(folder);
    }
    for (const fs::path& folder : folders) {
        if (fs::exists(folder / "initdb") && fs::exists(folder / "postgres")) {
            return folder;
        }
    }
    return {};
}

int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (socket < 0 || bind(socket, generic, size) != 0 ||
        getsockname(socket, generic, &size) != 0) {
        throw std::runtime_error("no free port");
    }
    close(socket);
    return ntohs(address.sin_port);
}

std::string text_of(const fs::path& file) {
    std::ifstream stream{file};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

/// Starts a program as that user, with its output in `log`; it ends with us, however we end.
pid_t spawn(const std::vector<std::string>& words, uid_t user, gid_t group, const fs::path& log) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));  // execv's signature, not its deed
    }
    arguments.push_back(nullptr);
    const std::string log_name = log.string();
    const pid_t parent = getpid();

    const pid_t child = fork();
    if (child != 0) {
        return child;
    }
    const int output = open(log_name.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    const bool is_someone_else = geteuid() == 0;
    if (output < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 || chdir("/") != 0 ||
        (is_someone_else &&
         (setgroups(0, nullptr) != 0 || setgid(group) != 0 || setuid(user) != 0)) ||
        prctl(PR_SET_PDEATHSIG, SIGINT) != 0 || getppid() != parent) {
        _exit(126);
    }
    execv(arguments[0], arguments.data());
    _exit(127);
}

int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

bool PostgresServer::is_installed() {
    return !find_binaries().empty();
}

PostgresServer& PostgresServer::shared() {
    static PostgresServer server;
    return server;
}

PostgresServer::PostgresServer() : user_{geteuid()}, group_{getegid()} {
    if (user_ == 0) {
        const passwd* account = getpwnam("postgres");  // NOLINT(concurrency-mt-unsafe): one thread
        account =
            account != nullptr ? account : getpwnam("nobody");  // NOLINT(concurrency-mt-unsafe)
        if (account == nullptr) {
            throw std::runtime_error("no unprivileged user to run PostgreSQL as");
        }
        user_ = account->pw_uid;
        group_ = account->pw_gid;
    }
    std::string name = (fs::temp_directory_path() / "headgate-pg-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr || chown(name.c_str(), user_, group_) != 0) {
        throw std::runtime_error("no temporary directory for PostgreSQL");
    }
    directory_ = name;
    make_cluster();
    start();
}

PostgresServer::~PostgresServer() {
    if (server_ != 0) {
        ::kill(server_, SIGINT);  // a fast shutdown: connections are ended
        wait_for(server_);
    }
    std::error_code ignored;  // a directory that stays is no failure of a test
    fs::remove_all(directory_, ignored);
}

void PostgresServer::make_cluster() {
    const fs::path password_file = directory_ / "password";
    std::ofstream{password_file} << kPassword << '\n';
    const fs::path log = directory_ / "initdb.log";
    const int status = wait_for(
        spawn({(find_binaries() / "initdb").string(), "--pgdata=" + (directory_ / "data").string(),
               "--username=" + std::string{kUser}, "--auth=scram-sha-256",
               "--pwfile=" + password_file.string(), "--encoding=UTF8", "--locale=C", "--no-sync"},
              user_, group_, log));
    if (status != 0) {
        throw std::runtime_error("initdb failed: " + text_of(log));
    }
}

void PostgresServer::launch() {
    // Without fsync: what it protects from, a crash of the machine, no test makes.
    server_ = spawn(
        {(find_binaries() / "postgres").string(), "-D", (directory_ / "data").string(), "-p",
         std::to_string(port_), "-h", "127.0.0.1", "-k", directory_.string(), "-c", "fsync=off",
         "-c", "shared_buffers=32MB", "-c", "max_connections=40", "-c", "max_wal_size=2GB"},
        user_, group_, directory_ / "server.log");
}

void PostgresServer::start() {
    const bool may_choose = port_ == 0;
    const auto bound = std::chrono::steady_clock::now() + kStartBound;
    while (!is_ready()) {
        if (std::chrono::steady_clock::now() > bound) {
            throw std::runtime_error("PostgreSQL is not ready: " +
                                     text_of(directory_ / "server.log"));
        }
        int status = 0;
        if (server_ != 0 && waitpid(server_, &status, WNOHANG) == server_) {
            server_ = 0;  // another process may have taken the port since it was found free
        }
        if (server_ == 0) {
            port_ = may_choose ? free_port() : port_;
            launch();
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});  // between two looks
    }
}

bool PostgresServer::is_ready() const {
    return server_ != 0 &&
           PgConnection::open(*pg_options_from(uri()), std::chrono::seconds{5}).has_value();
}

void PostgresServer::kill() {
    // The parent stands still first: it would end its children in an orderly way, and a child that
    // outlived it would free its locks, or answer a little longer.
    ::kill(server_, SIGSTOP);
    std::istringstream children{text_of("/proc/" + std::to_string(server_) + "/task/" +
                                        std::to_string(server_) + "/children")};
    for (pid_t child = 0; children >> child;) {
        ::kill(child, SIGKILL);
    }
    ::kill(server_, SIGKILL);
    wait_for(server_);
    server_ = 0;
}

std::string PostgresServer::uri(std::string_view database) const {
    return uri_as(kUser, kPassword, database);
}

std::string PostgresServer::uri_as(std::string_view user,
                                   std::string_view password,
                                   std::string_view database) const {
    std::ostringstream text;
    text << "postgresql://" << user << ':' << password << "@127.0.0.1:" << port_ << '/' << database;
    return text.str();
}

std::string PostgresServer::create_database() {
    const std::string name = "records_" + std::to_string(++databases_);
    sql("postgres", "CREATE DATABASE " + name);
    return name;
}

void PostgresServer::drop_database(const std::string& name) {
    sql("postgres", "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
}

std::string PostgresServer::sql(const std::string& database, const std::string& statement) const {
    Stored<PgConnection> connection =
        PgConnection::open(*pg_options_from(uri(database)), kStartBound);
    if (!connection) {
        throw std::runtime_error(connection.error().text);
    }
    connection->set_patience(kStartBound);
    const PgAnswer answer = connection->command(statement.c_str());
    if (!answer) {
        throw std::runtime_error(statement + ": " + answer.error().error.text);
    }
    return answer->rows() == 0 ? "" : std::string{answer->text(0, 0)};
}

}  // namespace headgate::policy
