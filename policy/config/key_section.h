#pragma once

#include "policy/config/map_reader.h"
#include "policy/config/snapshot.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// Reads all keys of a policy: those of `admin` and those of the projects, the latter into one
/// ring. A digest may stand only once among all of them: an admin key never serves inference.
class KeySection {
public:
    KeySection(Reading& reading, KeyRing& ring) : reading_{reading}, ring_{ring} {}

    std::vector<AdminKey> read_admin(const Setting& keys);

    /// The keys of one project, which must outlive the ring.
    void read(const Setting& keys, const Project& project);

private:
    /// Whose keys are read: names are unique among them.
    struct Owner {
        std::string_view text;  // "key of this project"
        std::map<std::string, const YamlNode*> names;
    };

    struct KeyIdentity {
        KeyDigest digest{};
        std::string prefix;  // of a key given as text; else empty
    };

    void read_key(const Setting& setting, const Project& project, Owner& owner);
    std::string read_name(const MapReader& map, Owner& owner);
    /// nullopt where it is faulty (reported), unknown, or that of another key (reported).
    std::optional<KeyIdentity> read_identity(const MapReader& map);
    std::optional<KeyIdentity> identity_of(const Setting& secret);

    Reading& reading_;
    KeyRing& ring_;
    KeyHasher hasher_;
    std::map<KeyDigest, Setting> places_;
};

}  // namespace headgate::policy
