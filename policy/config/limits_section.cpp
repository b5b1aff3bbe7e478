#include "policy/config/limits_section.h"

#include <map>

namespace headgate::policy {
namespace {

constexpr KnownName kLimitNames[] = {{"model"}, {"rpm"}, {"tpm"},        {"rpd"},
                                     {"tpd"},   {"ipm"}, {"concurrent"}, {"mode"}};
/// In the order of EnforceMode.
constexpr std::string_view kModes[] = {"enforce", "shadow"};

Parsed<std::int64_t> parse_amount(std::string_view text) {
    constexpr std::int64_t largest = 1'000'000'000'000'000;
    const Parsed<std::int64_t> amount = parse_count(text);
    if (!amount || *amount < 1 || *amount > largest) {
        return std::unexpected(
            std::string("must be a whole number from 1 to 1000000000000000 such as 600, 300k or "
                        "2M; leave it out for no limit"));
    }
    return *amount;
}

/// The entries of one list.
class LimitList {
public:
    explicit LimitList(Reading& reading) : reading_{reading} {}

    std::optional<LimitEntry> read(const Setting& setting) {
        const MapReader map{reading_, setting, kLimitNames};
        if (setting.node->kind != YamlNode::Kind::map) {
            return std::nullopt;
        }
        LimitEntry entry;
        if (const std::optional<Setting> models = map.find("model")) {
            entry.models = read_names(reading_, *models, parse_model_glob);
        }
        read_mode(map, entry.mode);
        bool is_empty = true;
        for (const LimitKind kind : kAllLimitKinds) {
            is_empty = is_empty && !map.has(to_string(kind));
            map.read(to_string(kind), parse_amount, entry.amounts[static_cast<std::size_t>(kind)]);
            check_is_new(map, entry, kind);
        }
        if (is_empty) {
            reading_.error(setting,
                           "limits nothing; it needs at least one of rpm, tpm, rpd, tpd, ipm and "
                           "concurrent");
        }
        return entry;
    }

private:
    void check_is_new(const MapReader& map, const LimitEntry& entry, LimitKind kind) {
        const std::optional<Setting> amount =
            map.has(to_string(kind)) ? map.find(to_string(kind)) : std::nullopt;
        if (!amount) {
            return;
        }
        const auto [first, is_new] = buckets_.emplace(std::pair{entry.label(), kind}, amount->node);
        if (!is_new) {
            reading_.error(*amount, "limits what another entry limits for the same models, in " +
                                        reading_.place_of(*amount->node, *first->second) +
                                        "; keep one of them");
        }
    }

    Reading& reading_;
    std::map<std::pair<std::string, LimitKind>, const YamlNode*> buckets_;
};

}  // namespace

std::vector<LimitEntry> read_limits(Reading& reading, const Setting& setting) {
    LimitList list{reading};
    std::vector<LimitEntry> entries;
    for (const Setting& item : read_list(setting)) {
        if (std::optional<LimitEntry> entry = list.read(item)) {
            entries.push_back(std::move(*entry));
        }
    }
    return entries;
}

void read_mode(const MapReader& map, EnforceMode& mode) {
    map.read_choice("mode", kModes, mode);
}

}  // namespace headgate::policy
