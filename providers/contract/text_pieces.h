#pragma once

#include "providers/contract/piece_kinds.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace headgate::providers {

/// Cuts text into pieces and gives each to `tally.add(index, count)`.
template <class Tally>
class TextPieces {
public:
    explicit TextPieces(Tally& tally) : tally_{tally} {}

    void cut(std::string_view text) {
        using piece::Byte;
        text_ = text;
        at_ = 0;
        joint_ = piece::Joint::bare;
        dense_ = 0;
        while (at_ < text_.size()) {
            if (dense_ >= piece::kDense) {
                data();
                continue;
            }
            if (text_[at_] == ' ' && kind_at(at_ + 1) == Byte::lower) {  // what is commonest
                ++at_;
                joint_ = piece::Joint::spaced;
                word();
                continue;
            }
            switch (piece::kind_of(text_[at_])) {
                case Byte::lower:
                case Byte::upper:
                    word();
                    break;
                case Byte::blank:
                    blank();
                    break;
                case Byte::newline:
                    newline();
                    break;
                case Byte::digit:
                    digits();
                    break;
                case Byte::mark:
                    marks();
                    break;
                case Byte::lead:
                    foreign();
                    break;
            }
        }
    }

private:
    std::size_t run_end(std::size_t from, piece::Byte kind) const {
        while (from < text_.size() && piece::kind_of(text_[from]) == kind) {
            ++from;
        }
        return from;
    }

    /// Words are most of most texts: their ends are found without a branch a letter.
    std::size_t small_letters_end(std::size_t from) const {
#ifdef __SSE2__
        if (from + 16 <= text_.size()) {
            const __m128i block =
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(text_.data() + from));
            // Moves a to z to the top of the signed range, where one comparison tells them.
            const __m128i moved = _mm_add_epi8(block, _mm_set1_epi8(0x7f - 'z'));
            const int letters = _mm_movemask_epi8(_mm_cmpgt_epi8(moved, _mm_set1_epi8(0x7f - 26)));
            if (letters != 0xffff) {
                return from +
                       static_cast<std::size_t>(std::countr_one(static_cast<unsigned>(letters)));
            }
            from += 16;
        }
#endif
        return run_end(from, piece::Byte::lower);
    }

    piece::Byte kind_at(std::size_t at) const {
        return at < text_.size() ? piece::kind_of(text_[at]) : piece::Byte::newline;
    }

    bool is_letter_at(std::size_t at) const {
        const piece::Byte kind = kind_at(at);
        return kind == piece::Byte::lower || kind == piece::Byte::upper ||
               (kind == piece::Byte::lead &&
                piece::character_at(text_, at).script != piece::Script::symbol);
    }

    /// A run of base64 or hex, whose pieces would be costly to tell apart.
    void data() {
        const std::size_t begin = at_;
        bool has_capitals = false;
        for (; at_ < text_.size(); ++at_) {
            const piece::Byte kind = piece::kind_of(text_[at_]);
            const char c = text_[at_];
            if (kind != piece::Byte::lower && kind != piece::Byte::upper &&
                kind != piece::Byte::digit && c != '+' && c != '/' && c != '=' && c != '-' &&
                c != '_') {
                break;
            }
            has_capitals = has_capitals || kind == piece::Byte::upper;
        }
        tally_.add(has_capitals ? piece::kBase64 : piece::kHex, at_ - begin);
        joint_ = piece::Joint::glued;
        dense_ = 0;
    }

    /// Capitals, then small letters: where small ones are followed by a capital the next word
    /// begins.
    void word() {
        using piece::Case;
        const std::size_t begin = at_;
        const std::size_t small = run_end(at_, piece::Byte::upper);
        at_ = small_letters_end(small);
        if (kind_at(at_) == piece::Byte::lead &&
            piece::character_at(text_, at_).script == piece::Script::latin) {
            return accented(begin);
        }
        const Case letters = small == begin                      ? Case::lower
                             : small == begin + 1 && at_ > small ? Case::capital
                                                                 : Case::upper;
        const std::size_t length = at_ - begin;
        dense_ = joint_ == piece::Joint::glued || joint_ == piece::Joint::marked ? dense_ + 1 : 0;
        const std::size_t row =
            static_cast<std::size_t>(joint_) * 3 + static_cast<std::size_t>(letters);
        tally_.add(piece::kWord + row * piece::kLongest + std::min(length, piece::kLongest) - 1, 1);
        if (length > piece::kLongest) {
            tally_.add(piece::kWordRest, length - piece::kLongest);
        }
        joint_ = piece::Joint::glued;
        contraction();
    }

    void contraction() {
        if (at_ + 1 >= text_.size() || text_[at_] != '\'') {
            return;
        }
        const std::size_t end = run_end(at_ + 1, piece::Byte::lower);
        const std::size_t length = end - at_ - 1;
        if (length == 1 || length == 2) {
            tally_.add(piece::kContraction, 1);
            at_ = end;
        }
    }

    /// A word of Latin letters that are not all ASCII, which begins at `begin`.
    void accented(std::size_t begin) {
        piece::Accents accents = piece::Accents::western;
        for (;;) {
            const piece::Byte kind = kind_at(at_);
            if (kind == piece::Byte::lower || kind == piece::Byte::upper) {
                ++at_;
                continue;
            }
            const piece::Character next =
                kind == piece::Byte::lead ? piece::character_at(text_, at_) : piece::Character{};
            if (next.script != piece::Script::latin) {
                break;
            }
            accents = std::max(accents, piece::accents_of(next.point));
            at_ += next.size;
        }
        const std::size_t size = at_ - begin;
        tally_.add(piece::kAccented + static_cast<std::size_t>(accents) * piece::kLongest +
                       std::min(size, piece::kLongest) - 1,
                   1);
        if (size > piece::kLongest) {
            tally_.add(piece::kAccentedRest, size - piece::kLongest);
        }
        joint_ = piece::Joint::glued;
    }

    void foreign() {
        piece::Character next = piece::character_at(text_, at_);
        const piece::Script script = next.script;
        if (script == piece::Script::latin) {
            return accented(at_);
        }
        std::size_t letters = 0;
        do {
            at_ += next.size;
            ++letters;
            next = kind_at(at_) == piece::Byte::lead
                       ? piece::character_at(text_, at_)
                       : piece::Character{.size = 0, .script = piece::Script::latin};
        } while (next.script == script);
        tally_.add(piece::kScriptWord + static_cast<std::size_t>(script), 1);
        tally_.add(piece::kScriptLetter + static_cast<std::size_t>(script), letters);
        joint_ = script == piece::Script::symbol ? piece::Joint::bare : piece::Joint::glued;
    }

    /// The last space of a run belongs to the word or the marks behind it.
    void blank() {
        const std::size_t begin = at_;
        at_ = run_end(at_, piece::Byte::blank);
        const piece::Byte next = kind_at(at_);
        if (next == piece::Byte::newline && at_ < text_.size()) {
            return newline();
        }
        const bool is_joined = next != piece::Byte::digit && at_ < text_.size();
        if (!is_joined) {
            tally_.add(piece::kLoneSpace, 1);
        }
        if (at_ - begin > 1) {
            tally_.add(piece::kBlank, 1);
        }
        joint_ = piece::Joint::spaced;
    }

    /// All white space up to the last line's end of the run is one piece.
    void newline() {
        std::size_t end = at_;
        for (std::size_t at = at_; at < text_.size(); ++at) {
            const piece::Byte kind = piece::kind_of(text_[at]);
            if (kind == piece::Byte::newline) {
                end = at + 1;
            } else if (kind != piece::Byte::blank) {
                break;
            }
        }
        at_ = end;
        tally_.add(piece::kNewline, 1);
        joint_ = piece::Joint::bare;
    }

    void digits() {
        const std::size_t begin = at_;
        at_ = run_end(at_, piece::Byte::digit);
        tally_.add(piece::kDigits, (at_ - begin + 2) / 3);
        dense_ = joint_ == piece::Joint::glued ? dense_ + 1 : 0;
        joint_ = piece::Joint::glued;
    }

    void marks() {
        const std::size_t begin = at_;
        at_ = run_end(at_, piece::Byte::mark);
        const std::size_t length = at_ - begin;
        if (length == 1 && joint_ != piece::Joint::spaced && is_letter_at(at_)) {
            joint_ = piece::Joint::marked;
            return;
        }
        const std::string_view run = text_.substr(begin, length);
        const bool is_repeated =
            length > 1 && run.find_first_not_of(run.front()) == std::string_view::npos;
        tally_.add(piece::kMarks + (is_repeated ? 8 : 0) + std::min<std::size_t>(length, 8) - 1, 1);
        if (length > 8 && !is_repeated) {
            tally_.add(piece::kMarks, (length - 8) / 2);
        }
        joint_ = piece::Joint::bare;
        if (kind_at(at_) == piece::Byte::newline && at_ < text_.size()) {
            tally_.add(piece::kMarksEndLine, 1);
            at_ = run_end(at_, piece::Byte::newline);
        }
    }

    Tally& tally_;
    std::string_view text_;
    std::size_t at_ = 0;
    piece::Joint joint_ = piece::Joint::bare;
    int dense_ = 0;  // pieces since the last space
};

}  // namespace headgate::providers
