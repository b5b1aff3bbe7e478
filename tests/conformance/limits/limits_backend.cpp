#include "tests/conformance/limits/limits_backend.h"

#include <atomic>

namespace headgate::policy::testing {

const std::string& shared_redis() {
    static const std::unique_ptr<RedisProcess> kServer = RedisProcess::on_socket();
    return kServer->address();
}

const RedisCluster& shared_cluster() {
    static const RedisCluster kCluster;
    return kCluster;
}

std::string fresh_key_space() {
    static std::atomic<int> latest = 0;
    return "test" + std::to_string(++latest);
}

std::unique_ptr<LimitsBackend> make_backend(BackendKind kind, LimitsWorld& world) {
    if (kind == BackendKind::memory) {
        return std::make_unique<MemoryBackend>(world);
    }
    const RedisLimits::Settings settings{.key_space = fresh_key_space(),
                                         .shards_by_project = kind == BackendKind::sharded_cluster,
                                         .instance = "0123456789abcdef",
                                         .life = 1};
    const std::string address =
        kind == BackendKind::redis ? shared_redis() : shared_cluster().address(0);
    return std::make_unique<RedisBackend>(world, settings, address);
}

}  // namespace headgate::policy::testing
