#include "policy/routing/route_set.h"

#include <bit>

namespace headgate::policy {

RouteBlock::RouteBlock(std::size_t first_word, std::size_t words)
    : first_word_{first_word}, words_{std::min(words, kWords)} {}

void RouteBlock::keep(const RouteBlock& other) {
    for (std::size_t i = 0; i < words_; ++i) {
        bits_[i] &= other.bits_[i];
    }
}

std::size_t RouteBlock::first(std::size_t from) const {
    const std::size_t base = first_word_ * kWordBits;
    const std::size_t offset = from > base ? from - base : 0;
    Word mask = ~Word{0} << (offset % kWordBits);
    for (std::size_t i = offset / kWordBits; i < words_; ++i) {
        const Word bits = bits_[i] & mask;
        if (bits != 0) {
            return base + i * kWordBits + static_cast<std::size_t>(std::countr_zero(bits));
        }
        mask = ~Word{0};
    }
    return kNone;
}

void RouteSet::add(std::size_t route) {
    const std::size_t word = route / RouteBlock::kWordBits;
    if (entries_.empty() || entries_.back().word != word) {
        entries_.push_back({.word = word, .bits = 0});
    }
    entries_.back().bits |= RouteBlock::Word{1} << (route % RouteBlock::kWordBits);
}

void RouteSet::add_to(RouteBlock& block) const {
    const std::size_t end = block.first_word_ + block.words_;
    auto entry = std::ranges::lower_bound(entries_, block.first_word_, {}, &Entry::word);
    for (; entry != entries_.end() && entry->word < end; ++entry) {
        block.bits_[entry->word - block.first_word_] |= entry->bits;
    }
}

bool RouteSet::meets(const RouteBlock& block) const {
    const std::size_t end = block.first_word_ + block.words_;
    auto entry = std::ranges::lower_bound(entries_, block.first_word_, {}, &Entry::word);
    for (; entry != entries_.end() && entry->word < end; ++entry) {
        if ((block.bits_[entry->word - block.first_word_] & entry->bits) != 0) {
            return true;
        }
    }
    return false;
}

}  // namespace headgate::policy
