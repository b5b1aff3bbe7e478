#pragma once

#include "policy/config/reading.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// A name that the policy reference documents for a block, and whether this build obeys it.
struct KnownName {
    enum class Support : std::uint8_t { works, not_yet };

    std::string_view name;
    Support support = Support::works;
};

inline constexpr KnownName::Support kNotYet = KnownName::Support::not_yet;

/// A block of the file whose names are fixed. Reports at once what is no map, unknown names (with
/// the nearest known one), names that stand twice and those that do not work yet; so a section
/// only says what it reads.
class MapReader {
public:
    /// `setting` and `known` must outlive this.
    MapReader(Reading& reading, Setting setting, std::span<const KnownName> known);

    const Setting& setting() const { return setting_; }

    /// Whether the name is there, with a value or without.
    bool has(std::string_view name) const { return entry_of(name) != nullptr; }

    /// The setting of that name; nullopt where it is absent or has no value (reported).
    std::optional<Setting> find(std::string_view name) const;

    /// Reports a missing setting at the block's own place.
    void require(std::string_view name, std::string_view example) const;

    /// Puts what `parse` makes of the setting into `value`, which stays as it is where the setting
    /// is absent, faulty (reported) or unknown.
    template <class T, class Parse>
    void read(std::string_view name, Parse&& parse, T& value) const {
        if (const std::optional<Setting> found = find(name)) {
            if (auto parsed = read_scalar(*reading_, *found, parse)) {
                assign(value, std::move(*parsed));
            }
        }
    }

    /// Puts the enumerator of the setting's place among `choices` into `value`, which stays as it
    /// is where the setting is absent, none of them (reported) or unknown.
    template <class Enum>
    void read_choice(std::string_view name,
                     std::span<const std::string_view> choices,
                     Enum& value) const {
        const std::optional<Setting> found = find(name);
        const auto chosen = found ? policy::read_choice(*reading_, *found, choices) : std::nullopt;
        for (std::size_t i = 0; chosen && i < choices.size(); ++i) {
            value = choices[i] == *chosen ? static_cast<Enum>(i) : value;
        }
    }

private:
    template <class T, class Parsed>
    static void assign(T& value, Parsed parsed) {
        value = static_cast<T>(std::move(parsed));
    }
    template <class T, class Parsed>
    static void assign(std::optional<T>& value, Parsed parsed) {
        value.emplace(static_cast<T>(std::move(parsed)));
    }

    const YamlEntry* entry_of(std::string_view name) const;
    std::string path_of(std::string_view name) const;
    void check_names(std::span<const KnownName> known) const;
    void report_unknown(const YamlNode& key, std::span<const KnownName> known) const;

    Reading* reading_;
    Setting setting_;
};

/// One entry of a block whose names are the operator's own.
struct NamedSetting {
    std::string name;
    const YamlNode* key = nullptr;
    Setting setting;
};

/// The entries of such a block (`providers`, `projects`). Reported and left out: names outside 1 to
/// 64 characters of [A-Za-z0-9_.-], names that stand twice, entries without a value.
std::vector<NamedSetting> read_named(Reading& reading, const Setting& block);

/// The same where a name must be what `is_allowed` takes, which `must_be` says in words.
std::vector<NamedSetting> read_named(Reading& reading,
                                     const Setting& block,
                                     bool (*is_allowed)(std::string_view name),
                                     std::string_view must_be);

}  // namespace headgate::policy
