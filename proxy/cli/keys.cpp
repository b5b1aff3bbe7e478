#include "policy/config/scalars.h"
#include "policy/explain/policy_names.h"
#include "policy/keys/project.h"
#include "policy/keys/time_text.h"
#include "proxy/cli/columns.h"
#include "proxy/cli/commands.h"
#include "proxy/cli/records_command.h"

#include <algorithm>
#include <iostream>
#include <map>

namespace headgate::proxy {
namespace {

using policy::StoredKey;

constexpr int kBadUsage = 2;
constexpr std::size_t kPrefix = 7;  // "hg-" and four of 43 digits: tells keys apart, opens nothing

int bad_usage(std::string_view command, const std::string& message) {
    std::cerr << "headgate: " << command << ": " << message << '\n';
    return kBadUsage;
}

/// The key stands alone in its line, then the entry for `projects.<id>.keys`.
int print_for_policy(const std::string& key, const std::string& name) {
    policy::KeyHasher hasher;
    std::cout << key << "\n\n"
              << "- name: " << (name.empty() ? "new" : name) << '\n'
              << "  sha256: " << policy::to_hex(hasher.digest(key)) << '\n'
              << std::flush;
    return std::cout ? 0 : 1;
}

int store_key(const KeysOptions& options, const std::string& key) {
    constexpr std::string_view command = "keys new";
    RecordsCommand records = open_records(command, options.config);
    if (!records.store) {
        return 1;
    }
    if (policy::find_project(*records.policy, options.project) == nullptr) {
        return bad_usage(command,
                         "--project: the policy has no project \"" + options.project + "\"");
    }
    policy::KeyHasher hasher;
    StoredKey stored;
    stored.digest = hasher.digest(key);
    stored.project = options.project;
    stored.name = options.name.empty() ? "new" : options.name;
    stored.prefix = key.substr(0, kPrefix);
    stored.created = std::chrono::system_clock::now();
    if (!options.expires.empty()) {
        const auto expires = policy::parse_date(options.expires);
        if (!expires) {
            return bad_usage(command, "--expires " + expires.error());
        }
        stored.expires = *expires;
    }
    if (auto added = records.store->add_key(stored); !added) {
        return store_failed(command, added.error());
    }
    std::cout << key << '\n' << std::flush;  // once: whatever else fails
    const auto noted = records.store->add_audit(
        {stored.created, "cli", "keys.new", stored.project + "/" + stored.name});
    if (!noted) {
        return store_failed(command, noted.error());
    }
    return std::cout ? 0 : 1;
}

std::string state_of(const StoredKey& key, providers::WallTime now) {
    if (key.revoked) {
        return "revoked " + policy::day_text(policy::day_of(*key.revoked));
    }
    if (key.expires) {
        return (*key.expires <= now ? "expired " : "until ") +
               policy::day_text(policy::day_of(*key.expires));
    }
    return "valid";
}

}  // namespace

int keys_new(const KeysOptions& options) {
    constexpr std::string_view command = "keys new";
    if (!options.name.empty() && !policy::is_plain_name(options.name)) {
        return bad_usage(command, "--name must be 1 to 64 letters, digits, `_`, `.` and `-`");
    }
    if (options.config.empty() != options.project.empty()) {
        return bad_usage(command, "--config and --project belong together: they store the key");
    }
    const std::string key = policy::make_client_key();
    return options.config.empty() ? print_for_policy(key, options.name) : store_key(options, key);
}

int keys_list(const KeysOptions& options) {
    constexpr std::string_view command = "keys list";
    RecordsCommand records = open_records(command, options.config);
    if (!records.store) {
        return 1;
    }
    auto keys = records.store->keys();
    auto uses = records.store->uses();
    if (!keys || !uses) {
        return store_failed(command, keys ? uses.error() : keys.error());
    }
    std::map<policy::KeyDigest, providers::WallTime> last_used;
    for (const policy::KeyUse& use : *uses) {
        last_used[use.digest] = use.last_used;
    }
    std::ranges::sort(*keys, {}, [](const StoredKey& key) {
        return std::tuple{key.project, key.created, key.name};
    });
    const auto now = std::chrono::system_clock::now();
    Columns table{{"project", "name", "prefix", "created", "last used", "state"}};
    for (const StoredKey& key : *keys) {
        if (!options.project.empty() && key.project != options.project) {
            continue;
        }
        const auto used = last_used.find(key.digest);
        table.add({key.project, key.name, key.prefix, policy::day_text(policy::day_of(key.created)),
                   used == last_used.end() ? "never" : policy::moment_text(used->second),
                   state_of(key, now)});
    }
    std::cout << table.to_string() << std::flush;
    return std::cout ? 0 : 1;
}

int keys_revoke(const KeysOptions& options) {
    constexpr std::string_view command = "keys revoke";
    RecordsCommand records = open_records(command, options.config);
    if (!records.store) {
        return 1;
    }
    const auto now = std::chrono::system_clock::now();
    const auto revoked = records.store->revoke_key(options.project, options.name, now);
    if (!revoked) {
        return store_failed(command, revoked.error());
    }
    if (!*revoked) {
        std::cerr << "headgate: " << command << ": project \"" << options.project
                  << "\" has no valid key \"" << options.name
                  << "\" in the record store (keys of the policy file are revoked there)\n";
        return 1;
    }
    const auto noted =
        records.store->add_audit({now, "cli", "keys.revoke", options.project + "/" + options.name});
    if (!noted) {
        return store_failed(command, noted.error());
    }
    std::cout << "revoked; every process refuses it within 5 s\n" << std::flush;
    return std::cout ? 0 : 1;
}

}  // namespace headgate::proxy
