#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace headgate::policy {

// What two globs have in common (providers::glob_matches: `*` any run of characters, `?` one).

/// How much may still be compared. What a policy of ordinary size takes is far below it; one of
/// 8 MiB could keep a gateway busy for hours.
class GlobWork {
public:
    /// Counts one comparison, or one of the two globs. False once there have been too many.
    bool may_compare() { return --left_ > 0; }
    bool may_compare(std::string_view a, std::string_view b);
    bool is_used_up() const { return left_ <= 0; }

private:
    std::int64_t left_ = 50'000'000;
};

/// True for a glob without `*` and `?`: it matches itself alone.
bool is_exact(std::string_view glob);

/// A pattern that hangs on a reference which only `serve` resolves (LoadOptions) and so stands as
/// written: nothing is known of what it matches.
bool is_unknown_glob(std::string_view glob);

/// Whether some text matches both. Exact; at most as many steps as the product of the lengths.
bool globs_meet(std::string_view a, std::string_view b);

/// Whether `wide` certainly matches all that `narrow` matches. False also where that would take a
/// closer look than one at exact names, `prefix*`, `*suffix`, `*part*` and their like.
bool glob_covers(std::string_view wide, std::string_view narrow);

/// Many globs, asked whether one of them meets a given one, without a look at each. The texts must
/// outlive it.
class GlobSet {
public:
    void add(std::string_view glob);

    /// True also where `work` is used up: nothing is said then of what is not known.
    bool meets(std::string_view glob, GlobWork& work) const;

private:
    struct First {
        std::vector<std::string_view> exact;
        std::vector<std::string_view> prefixed;  // `prefix*`
        std::vector<std::string_view> wild;      // the others
    };

    bool has_prefix_of(std::string_view name) const;

    std::unordered_set<std::string_view> all_;
    std::unordered_set<std::string_view> prefixes_;  // those of `prefix*`, without the `*`
    bool takes_all_ = false;                         // `*` is among them
    std::vector<First> by_first_ =
        std::vector<First>(256);             // by their first character, which is no wildcard
    std::vector<std::string_view> leading_;  // those that begin with a wildcard
};

}  // namespace headgate::policy
