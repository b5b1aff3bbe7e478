#include "policy/config/map_reader.h"

#include "policy/config/spelling.h"

#include <map>

namespace headgate::policy {
namespace {

std::string joined(std::string_view path, std::string_view name) {
    return path.empty() ? std::string(name) : std::string(path) + "." + std::string(name);
}

/// A name for a message: the whole of a long one stands in the offending line.
std::string_view shortened(std::string_view name) {
    constexpr std::size_t longest = 64;
    if (name.size() <= longest) {
        return name;
    }
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) {
        --end;  // not inside a UTF-8 character
    }
    return name.substr(0, end);
}

/// False, and reported, where `setting` is no map.
bool is_map(Reading& reading, const Setting& setting) {
    switch (setting.node->kind) {
        case YamlNode::Kind::map:
            return true;
        case YamlNode::Kind::null:
            reading.error(setting, "has no value");
            return false;
        case YamlNode::Kind::scalar:
        case YamlNode::Kind::sequence:
            break;
    }
    reading.error(setting, "must be a map of settings (`name: value`)");
    return false;
}

void report_duplicate(Reading& reading,
                      const YamlNode& key,
                      const std::string& path,
                      const YamlNode& first) {
    reading.error({&key, path}, "stands twice; the first is in " + reading.place_of(key, first));
}

}  // namespace

MapReader::MapReader(Reading& reading, Setting setting, std::span<const KnownName> known)
    : reading_{&reading}, setting_{std::move(setting)} {
    if (is_map(reading, setting_)) {
        check_names(known);
    }
}

void MapReader::check_names(std::span<const KnownName> known) const {
    std::vector<const YamlNode*> firsts(known.size());  // of each known name
    for (const YamlEntry& entry : setting_.node->entries) {
        const YamlNode& key = *entry.key;
        const auto name = std::ranges::find(known, std::string_view{key.text}, &KnownName::name);
        if (name == known.end()) {
            report_unknown(key, known);
            continue;
        }
        const YamlNode*& first = firsts[static_cast<std::size_t>(name - known.begin())];
        if (first != nullptr) {
            report_duplicate(*reading_, key, path_of(key.text), *first);
            continue;
        }
        first = &key;
        if (name->support == kNotYet) {
            reading_->error({&key, path_of(key.text)}, "is not supported yet");
        }
    }
}

void MapReader::report_unknown(const YamlNode& key, std::span<const KnownName> known) const {
    if (key.text == "<<") {
        reading_->error({&key, path_of(key.text)},
                        "is a merge key, which YAML 1.2 does not have; write the settings out");
        return;
    }
    if (reading_->is_full()) {  // the search for a near name would be for nothing
        reading_->error({&key, {}}, {});
        return;
    }
    std::vector<std::string_view> names;
    for (const KnownName& each : known) {
        names.push_back(each.name);
    }
    reading_->error({&key, path_of(key.text)}, "is not a setting that Headgate knows",
                    did_you_mean(key.text, names));
}

const YamlEntry* MapReader::entry_of(std::string_view name) const {
    const auto entry = std::ranges::find_if(
        setting_.node->entries, [name](const YamlEntry& each) { return each.key->text == name; });
    return entry == setting_.node->entries.end() ? nullptr : &*entry;
}

std::string MapReader::path_of(std::string_view name) const {
    return joined(setting_.path, shortened(name));
}

std::optional<Setting> MapReader::find(std::string_view name) const {
    const YamlEntry* entry = entry_of(name);
    if (entry == nullptr) {
        return std::nullopt;
    }
    if (entry->value->kind == YamlNode::Kind::null) {
        // At the key: what YAML calls the place of nothing is the next token's.
        reading_->error({entry->key.get(), path_of(name)}, "has no value");
        return std::nullopt;
    }
    return Setting{entry->value.get(), path_of(name)};
}

void MapReader::require(std::string_view name, std::string_view example) const {
    if (setting_.node->kind == YamlNode::Kind::map && !has(name)) {
        reading_->error({setting_.node, path_of(name)},
                        "is missing; write for example `" + std::string(example) + "`");
    }
}

std::vector<NamedSetting> read_named(Reading& reading, const Setting& block) {
    return read_named(reading, block, is_plain_name, "1 to 64 letters, digits, `_`, `.` and `-`");
}

std::vector<NamedSetting> read_named(Reading& reading,
                                     const Setting& block,
                                     bool (*is_allowed)(std::string_view name),
                                     std::string_view must_be) {
    std::vector<NamedSetting> named;
    if (!is_map(reading, block)) {
        return named;
    }
    std::map<std::string_view, const YamlNode*> seen;
    for (const YamlEntry& entry : block.node->entries) {
        const YamlNode& key = *entry.key;
        const std::string path = joined(block.path, shortened(key.text));
        const auto [first, is_new] = seen.emplace(key.text, &key);
        if (!is_new) {
            report_duplicate(reading, key, path, *first->second);
        } else if (!is_allowed(key.text)) {
            reading.error({&key, path},
                          "is not a name that may be used here: " + std::string(must_be));
        } else if (entry.value->kind == YamlNode::Kind::null) {
            reading.error({&key, path}, "has no value");
        } else {
            named.push_back({key.text, &key, {entry.value.get(), path}});
        }
    }
    return named;
}

}  // namespace headgate::policy
