#include "providers/contract/json_splice.h"

#include <stdexcept>

namespace headgate::providers {

void SplicedText::add(const Edit& edit) {
    const ByteRange range = edit.range;
    const std::size_t passed = edits_ == 0 ? 0 : edit_[edits_ - 1].range.end;
    if (edits_ == kMaxEdits) {
        throw std::length_error("SplicedText: too many edits");
    }
    if (range.begin < passed || range.end < range.begin || range.end > original_.size()) {
        throw std::out_of_range("SplicedText: ranges must ascend inside the text");
    }
    edit_[edits_++] = edit;
}

void SplicedText::replace(ByteRange range, std::string_view with) {
    add({.range = range, .with = with, .owned = {}});
}

void SplicedText::replace_by_copy(ByteRange range, std::string_view with) {
    if (with.size() > kMaxOwned - owned_size_) {
        throw std::length_error("SplicedText: too much to keep");
    }
    add({.range = range, .with = {}, .owned = {owned_size_, owned_size_ + with.size()}});
    owned_size_ += with.copy(owned_.data() + owned_size_, with.size());
}

std::size_t SplicedText::size() const {
    std::size_t size = original_.size();
    for (std::size_t i = 0; i < edits_; ++i) {
        size = size - edit_[i].range.size() + text_of(edit_[i]).size();
    }
    return size;
}

SplicedText::Pieces SplicedText::pieces() const {
    Pieces pieces;
    const auto append = [&pieces](std::string_view piece) {
        if (!piece.empty()) {
            pieces.items[pieces.count++] = piece;
        }
    };
    std::size_t at = 0;
    for (std::size_t i = 0; i < edits_; ++i) {
        append(original_.substr(at, edit_[i].range.begin - at));
        append(text_of(edit_[i]));
        at = edit_[i].range.end;
    }
    append(original_.substr(at));
    return pieces;
}

std::string SplicedText::to_string() const {
    std::string text;
    text.reserve(size());
    const Pieces all = pieces();
    for (std::size_t i = 0; i < all.count; ++i) {
        text += all.items[i];
    }
    return text;
}

}  // namespace headgate::providers
