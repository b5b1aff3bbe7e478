#include "providers/simulator/schema_value.h"

#include <algorithm>
#include <array>

namespace headgate::providers {
namespace {

/// Writes while it reads the expression. An atom that is repeated is read again from its start;
/// what is not wanted (the second alternative) is read with writing off.
class PatternText {
public:
    PatternText(std::string_view pattern, Random& random) : pattern_{pattern}, random_{random} {}

    std::optional<std::string> make() {
        if (!alternatives(0) || at_ != pattern_.size()) {
            return std::nullopt;
        }
        return std::move(out_);
    }

private:
    using Class = std::array<bool, 128>;
    struct Repeat {
        std::size_t least = 1;
        std::size_t most = 1;
    };

    bool is_at(char c) const { return at_ < pattern_.size() && pattern_[at_] == c; }
    bool skip(char c) {
        if (!is_at(c)) {
            return false;
        }
        ++at_;
        return true;
    }

    bool alternatives(int depth) {
        constexpr int kDeepest = 32;
        if (depth > kDeepest || !sequence(depth)) {
            return false;
        }
        const bool was_writing = is_writing_;
        is_writing_ = false;
        bool is_valid = true;
        while (is_valid && skip('|')) {
            is_valid = sequence(depth);
        }
        is_writing_ = was_writing;
        return is_valid;
    }

    bool sequence(int depth) {
        while (at_ < pattern_.size() && !is_at('|') && !is_at(')')) {
            if (!repeated(depth)) {
                return false;
            }
        }
        return true;
    }

    /// One atom and its count.
    bool repeated(int depth) {
        constexpr std::size_t kMostWork = 20'000;
        const std::size_t begin = at_;
        const std::size_t size = out_.size();
        if (++work_ > kMostWork || !atom(depth)) {
            return false;
        }
        const std::size_t atom_end = at_;
        Repeat repeat;
        if (!count(repeat)) {
            return false;
        }
        const std::size_t end = at_;
        if (!is_writing_ || atom_end == end) {
            return true;
        }
        // Once where that is allowed: "a*" reads better as "a" than as nothing.
        const std::size_t times = std::min(std::max<std::size_t>(repeat.least, 1), repeat.most);
        if (times == 0) {
            out_.resize(size);
        }
        for (std::size_t i = 1; i < times; ++i) {
            at_ = begin;
            if (++work_ > kMostWork || !atom(depth)) {
                return false;
            }
        }
        at_ = end;
        return true;
    }

    bool count(Repeat& repeat) {
        constexpr std::size_t kMany = 1000;
        if (skip('*')) {
            repeat = {0, kMany};
        } else if (skip('+')) {
            repeat = {1, kMany};
        } else if (skip('?')) {
            repeat = {0, 1};
        } else if (skip('{')) {
            if (!number(repeat.least)) {
                return false;
            }
            repeat.most = repeat.least;
            if (skip(',') && !is_at('}')) {
                if (!number(repeat.most)) {
                    return false;
                }
            } else if (pattern_[at_ - 1] == ',') {
                repeat.most = kMany;
            }
            if (!skip('}') || repeat.least > repeat.most) {
                return false;
            }
        } else {
            return true;
        }
        skip('?');  // lazy: no difference to us
        return true;
    }

    bool number(std::size_t& value) {
        constexpr std::size_t kMost = 10'000;
        const std::size_t begin = at_;
        value = 0;
        while (at_ < pattern_.size() && pattern_[at_] >= '0' && pattern_[at_] <= '9') {
            value = value * 10 + static_cast<std::size_t>(pattern_[at_++] - '0');
            if (value > kMost) {
                return false;
            }
        }
        return at_ != begin;
    }

    bool atom(int depth) {
        const char c = pattern_[at_++];
        switch (c) {
            case '(':
                return group(depth);
            case '[':
                return bracket();
            case '.':
                return write('a');
            case '^':
            case '$':
                return true;
            case '\\': {
                if (is_at('b')) {
                    ++at_;
                    return true;
                }
                Class chosen{};
                return escape(chosen) && write_one_of(chosen);
            }
            case '*':
            case '+':
            case '?':
            case '{':
                return false;
            default:
                return literal(c);
        }
    }

    /// A character whole, so that a count repeats all of its bytes.
    bool literal(char c) {
        write(c);
        while (at_ < pattern_.size() &&
               (static_cast<unsigned char>(pattern_[at_]) & 0xc0) == 0x80) {
            write(pattern_[at_++]);
        }
        return true;
    }

    bool group(int depth) {
        if (skip('?')) {
            const bool is_named = skip('P') ? skip('<') : is_at('<') && skip('<');
            if (is_named) {
                if (is_at('=') || is_at('!')) {
                    return false;
                }
                at_ = std::min(pattern_.find('>', at_), pattern_.size());
            }
            if (!skip(is_named ? '>' : ':')) {
                return false;
            }
        }
        return alternatives(depth + 1) && skip(')');
    }

    bool bracket() {
        Class chosen{};
        const bool is_negated = skip('^');
        bool is_first = true;
        while (is_first || !is_at(']')) {
            is_first = false;
            if (at_ >= pattern_.size()) {
                return false;
            }
            const char low = pattern_[at_++];
            if (low == '\\') {
                if (!escape(chosen)) {
                    return false;
                }
                continue;
            }
            char high = low;
            if (is_at('-') && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
                high = pattern_[at_ + 1];
                at_ += 2;
            }
            if (low < 0 || high < low || high == '\\') {
                return false;
            }
            std::fill(chosen.begin() + low, chosen.begin() + high + 1, true);
        }
        ++at_;
        if (is_negated) {
            std::ranges::transform(chosen, chosen.begin(), std::logical_not{});
        }
        return write_one_of(chosen);
    }

    /// What a backslash stands before.
    bool escape(Class& chosen) {
        if (at_ >= pattern_.size()) {
            return false;
        }
        constexpr std::string_view kClasses = "dwsDWS";
        const char c = pattern_[at_++];
        if (kClasses.contains(c)) {
            for (std::size_t i = 0; i < chosen.size(); ++i) {
                const bool is_digit = i >= '0' && i <= '9';
                const bool is_letter = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') || i == '_';
                const bool is_space = i == ' ' || (i >= '\t' && i <= '\r');
                const bool is_in = (c | 0x20) == 'd'   ? is_digit
                                   : (c | 0x20) == 'w' ? is_digit || is_letter
                                                       : is_space;
                chosen[i] = chosen[i] || is_in == (c >= 'a');
            }
            return true;
        }
        const bool is_plain =
            !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c < 0);
        const char meant = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        if (!is_plain && meant == c) {
            return false;
        }
        chosen[static_cast<std::size_t>(meant)] = true;
        return true;
    }

    /// Letters and digits first, then what else is printable, then the rest.
    bool write_one_of(const Class& chosen) {
        const auto pick = [&](auto is_fit) {
            std::string fit;
            for (std::size_t i = 1; i < chosen.size(); ++i) {
                if (chosen[i] && is_fit(i)) {
                    fit += static_cast<char>(i);
                }
            }
            return fit.empty() ? '\0' : fit[random_.below(fit.size())];
        };
        char c = pick([](std::size_t i) {
            return (i >= '0' && i <= '9') || (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
        });
        c = c != '\0' ? c : pick([](std::size_t i) { return i >= ' ' && i <= '~'; });
        c = c != '\0' ? c : pick([](std::size_t) { return true; });
        return c != '\0' && write(c);
    }

    bool write(char c) {
        if (is_writing_) {
            out_ += c;
        }
        return true;
    }

    std::string_view pattern_;
    Random& random_;
    std::size_t at_ = 0;
    std::string out_;
    std::size_t work_ = 0;
    bool is_writing_ = true;
};

}  // namespace

std::optional<std::string> text_matching(std::string_view pattern, Random& random) {
    return PatternText{pattern, random}.make();
}

}  // namespace headgate::providers
