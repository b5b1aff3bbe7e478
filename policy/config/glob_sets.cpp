#include "policy/config/glob_sets.h"

#include "providers/contract/provider.h"

namespace headgate::policy {
namespace {

constexpr std::string_view kWildcards = "*?";

bool is_wild(char c) {
    return c == '*' || c == '?';
}

std::size_t literal_prefix(std::string_view glob) {
    return std::min(glob.find_first_of(kWildcards), glob.size());
}

std::size_t literal_suffix(std::string_view glob) {
    const std::size_t last = glob.find_last_of(kWildcards);
    return last == std::string_view::npos ? glob.size() : glob.size() - last - 1;
}

/// False where the literal ends alone tell that nothing matches both: the usual case, at once.
bool ends_agree(std::string_view a, std::string_view b) {
    const std::size_t front = std::min(literal_prefix(a), literal_prefix(b));
    const std::size_t back = std::min(literal_suffix(a), literal_suffix(b));
    return a.substr(0, front) == b.substr(0, front) &&
           a.substr(a.size() - back) == b.substr(b.size() - back);
}

/// `reached[j]` of row i: some text leads through the first i characters of `a` and the first j of
/// `b`. A `*` of either side may end where it stands, or take a character of the other side's.
bool automata_meet(std::string_view a, std::string_view b) {
    std::vector<bool> last(b.size() + 1);
    std::vector<bool> row(b.size() + 1);
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            bool is_reached = i == 0 && j == 0;
            if (i > 0) {
                const bool is_run = a[i - 1] == '*' || (j > 0 && b[j - 1] == '*');
                is_reached = last[j] && is_run;
            }
            if (j > 0 && !is_reached) {
                const bool is_run = b[j - 1] == '*' || (i > 0 && a[i - 1] == '*');
                is_reached = row[j - 1] && is_run;
            }
            if (i > 0 && j > 0 && !is_reached) {
                const char x = a[i - 1];
                const char y = b[j - 1];
                is_reached = last[j - 1] && (x == y || x == '?' || y == '?');
            }
            row[j] = is_reached;
        }
        std::swap(last, row);
    }
    return last[b.size()];
}

}  // namespace

bool GlobWork::may_compare(std::string_view a, std::string_view b) {
    // Most differ in their first characters. Others may have to be followed character by character
    // of both.
    const std::size_t steps = ends_agree(a, b) ? a.size() * b.size() / 16 : 0;
    left_ -= 1 + static_cast<std::int64_t>(steps);
    return left_ > 0;
}

bool is_exact(std::string_view glob) {
    return glob.find_first_of(kWildcards) == std::string_view::npos;
}

bool is_unknown_glob(std::string_view glob) {
    return glob.contains('$');
}

bool globs_meet(std::string_view a, std::string_view b) {
    if (!ends_agree(a, b)) {
        return false;
    }
    if (is_exact(a)) {
        return providers::glob_matches(b, a);
    }
    if (is_exact(b)) {
        return providers::glob_matches(a, b);
    }
    return automata_meet(a, b);
}

bool glob_covers(std::string_view wide, std::string_view narrow) {
    if (wide == narrow) {
        return true;
    }
    if (wide.empty() || narrow.empty() ||
        (wide.front() != narrow.front() && !is_wild(wide.front()))) {
        return false;
    }
    // Read as a text, `narrow` stands for all that it matches as long as each of its `*` falls to
    // a `*` of `wide`. Only a `?` there could take one by mistake.
    const bool is_text_enough = !wide.contains('?') || !narrow.contains('*');
    return is_text_enough && providers::glob_matches(wide, narrow);
}

void GlobSet::add(std::string_view glob) {
    if (!all_.insert(glob).second) {
        return;
    }
    takes_all_ = takes_all_ || glob.find_first_not_of('*') == std::string_view::npos;
    if (literal_prefix(glob) == 0) {
        leading_.push_back(glob);
        return;
    }
    First& first = by_first_[static_cast<unsigned char>(glob.front())];
    if (is_exact(glob)) {
        first.exact.push_back(glob);
    } else if (literal_prefix(glob) == glob.size() - 1 && glob.back() == '*') {
        first.prefixed.push_back(glob);
        prefixes_.insert(glob.substr(0, glob.size() - 1));
    } else {
        first.wild.push_back(glob);
    }
}

bool GlobSet::has_prefix_of(std::string_view name) const {
    for (std::size_t length = 1; length <= name.size() && !prefixes_.empty(); ++length) {
        if (prefixes_.contains(name.substr(0, length))) {
            return true;
        }
    }
    return false;
}

bool GlobSet::meets(std::string_view glob, GlobWork& work) const {
    if (all_.empty() || takes_all_ || all_.contains(glob)) {
        return !all_.empty();
    }
    const bool is_name = is_exact(glob);
    if (is_name && has_prefix_of(glob)) {
        return true;
    }
    const auto any_meets = [&](const std::vector<std::string_view>& some) {
        return std::ranges::any_of(some, [&](std::string_view each) {
            return !work.may_compare(glob, each) || globs_meet(glob, each);
        });
    };
    const auto first_meets = [&](const First& first) {
        // What an exact glob meets among exact ones and prefixes is known by now.
        return any_meets(first.wild) ||
               (!is_name && (any_meets(first.prefixed) || any_meets(first.exact)));
    };
    if (any_meets(leading_)) {
        return true;
    }
    if (literal_prefix(glob) > 0) {
        return first_meets(by_first_[static_cast<unsigned char>(glob.front())]);
    }
    return std::ranges::any_of(by_first_, first_meets);
}

}  // namespace headgate::policy
