#pragma once

#include "policy/config/reading.h"
#include "policy/keys/project.h"

#include <map>
#include <string>

namespace headgate::policy {

/// Reads the `keys` of all projects into one ring, in which a digest may stand only once.
class KeySection {
public:
    KeySection(Reading& reading, KeyRing& ring) : reading_{reading}, ring_{ring} {}

    /// The keys of one project, which must outlive the ring.
    void read(const Setting& keys, const Project& project);

private:
    struct Place {
        std::string path;
        int line = 0;
    };

    void read_key(const Setting& setting,
                  const Project& project,
                  std::map<std::string, int>& names);
    std::string read_name(const Setting& setting, std::map<std::string, int>& names);
    std::optional<KeyDigest> digest_of(const Setting& secret);
    void add(const KeyDigest& digest, const Setting& setting, Key key);

    Reading& reading_;
    KeyRing& ring_;
    KeyHasher hasher_;
    std::map<KeyDigest, Place> places_;
};

}  // namespace headgate::policy
