#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>

namespace headgate::policy {

/// A PostgreSQL of the tests' own, in a temporary directory, on a loopback port and with a
/// password; as an unprivileged user, since it refuses to run as root. Gone with the object.
class PostgresServer {
public:
    /// False where this machine has no PostgreSQL server.
    static bool is_installed();
    /// The one of this test executable, started on first use, stopped with it.
    static PostgresServer& shared();

    /// Makes the directory and starts. Throws std::runtime_error with the server's own words.
    PostgresServer();
    ~PostgresServer();
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    /// Where to connect; `database` as create_database() named it.
    std::string uri(std::string_view database = "postgres") const;
    /// The same with another user and password.
    std::string uri_as(std::string_view user,
                       std::string_view password,
                       std::string_view database) const;
    /// A new empty one; its name.
    std::string create_database();
    void drop_database(const std::string& name);

    /// Runs one statement as the superuser; the first value of its result. Throws where it fails.
    std::string sql(const std::string& database, const std::string& statement) const;

    /// SIGKILL to the whole server, as a crash: shared memory and connections are gone.
    void kill();
    /// After kill(): recovers on the same port.
    void start();

private:
    void make_cluster();
    void launch();
    bool is_ready() const;

    std::filesystem::path directory_;
    uid_t user_ = 0;
    gid_t group_ = 0;
    int port_ = 0;
    pid_t server_ = 0;
    std::atomic<int> databases_ = 0;
};

}  // namespace headgate::policy
