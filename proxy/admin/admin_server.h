#pragma once

#include "policy/config/snapshot.h"

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace headgate::proxy {

/// What the admin listener tells. All of it is called on the admin thread.
struct AdminSources {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<bool()> is_draining;
    std::uint64_t generation = 1;
};

/// Health, readiness and metrics on a listener of their own (docs/operations.md), served by one
/// thread: an operator's look never waits behind clients, nor they behind it.
class AdminServer {
public:
    /// Binds and starts. The error is one clear line.
    static std::expected<std::unique_ptr<AdminServer>, std::string> start(
        const policy::ListenAddress& address, AdminSources sources);
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
