#include "policy/config/admin_section.h"
#include "policy/config/sections.h"

namespace headgate::policy {
namespace {

bool is_same_place(const ListenAddress& a, const ListenAddress& b) {
    return a.host == b.host && a.port == b.port && a.unix_path == b.unix_path &&
           (a.port != 0 || !a.unix_path.empty());  // port 0 is another free one each time
}

void add_listen_address(Reading& reading,
                        const Setting& setting,
                        std::vector<ListenAddress>& addresses) {
    const auto address = read_scalar(reading, setting, parse_listen_address);
    if (!address) {
        return;
    }
    for (const ListenAddress& earlier : addresses) {
        if (is_same_place(*address, earlier)) {
            reading.error(setting, "is listed twice");
            return;
        }
    }
    addresses.push_back(*address);
}

void read_listen(Reading& reading, const MapReader& root, std::vector<ListenAddress>& listen) {
    listen = {{.host = "127.0.0.1", .port = 8080, .unix_path = {}}};
    const std::optional<Setting> setting = root.find("listen");
    if (!setting) {
        return;
    }
    const std::vector<Setting> items = read_list(*setting);
    if (items.empty()) {
        reading.error(*setting, "must hold at least one address such as 127.0.0.1:8080");
        return;
    }
    listen.clear();
    for (const Setting& item : items) {
        add_listen_address(reading, item, listen);
    }
}

Parsed<std::size_t> parse_workers(std::string_view text) {
    if (text == "auto") {
        return std::size_t{0};
    }
    const Parsed<std::int64_t> count = parse_count_between(text, 1, 1024);
    if (!count) {
        return std::unexpected(std::string("must be `auto` or a whole number from 1 to 1024"));
    }
    return static_cast<std::size_t>(*count);
}

/// nullopt: `none`.
Parsed<std::optional<ListenAddress>> parse_admin_listen(std::string_view text) {
    if (text == "none") {
        return std::nullopt;
    }
    return parse_listen_address(text);
}

void read_admin(Reading& reading, const MapReader& root, Snapshot& snapshot) {
    snapshot.admin_listen = ListenAddress{.host = "127.0.0.1", .port = 8081, .unix_path = {}};
    const std::optional<MapReader> admin = admin_block(reading, root);
    const std::optional<Setting> listen = admin ? admin->find("listen") : std::nullopt;
    if (listen) {
        if (const auto address = read_scalar(reading, *listen, parse_admin_listen)) {
            snapshot.admin_listen = *address;
        }
    }
    for (const ListenAddress& other : snapshot.listen) {
        if (!snapshot.admin_listen || !is_same_place(*snapshot.admin_listen, other)) {
            continue;
        }
        if (listen) {
            reading.error(*listen, "must not be an address of `listen`");
        } else if (const std::optional<Setting> setting = root.find("listen")) {
            reading.error(*setting, "holds the default address of the admin listener",
                          "give `admin: {listen: …}` another one, or `none`");
        }
    }
}

}  // namespace

void read_listener_section(Reading& reading, const MapReader& root, Snapshot& snapshot) {
    read_listen(reading, root, snapshot.listen);
    root.read("listen_shared", parse_flag, snapshot.listen_shared);
    root.read("workers", parse_workers, snapshot.workers);
    root.read("watch", parse_flag, snapshot.watch);
    root.read("drain_delay", parse_duration, snapshot.drain_delay);
    root.read("shutdown_grace", parse_duration, snapshot.shutdown_grace);
    read_admin(reading, root, snapshot);
}

}  // namespace headgate::policy
