#pragma once

#include "policy/config/snapshot.h"
#include "proxy/admin/admin_sources.h"

#include <expected>
#include <memory>
#include <string>

namespace headgate::proxy {

/// The admin API (docs/operations.md) on a listener of its own, served by one thread: an
/// operator's look never waits behind clients, nor they behind it. What is bounded: connections,
/// sizes of head and body, the time of a read or a write. admin_routes.h decides what is answered.
class AdminServer {
public:
    /// Binds and starts. The error is one clear line.
    static std::expected<std::unique_ptr<AdminServer>, std::string> start(
        const policy::ListenAddress& address, AdminSources sources);
    /// Closes all connections, also one that waits for a reload.
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    /// With the port that was taken.
    const std::string& address() const;

private:
    struct Impl;
    explicit AdminServer(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::proxy
