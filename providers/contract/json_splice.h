#pragma once

#include "providers/base/bytes.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::providers {

/// A text with a few edits, kept as pieces of the original and of what is inserted: nothing is
/// copied to be sent. Edits are made left to right; at most kMaxEdits.
class SplicedText {
public:
    static constexpr std::size_t kMaxEdits = 4;
    static constexpr std::size_t kMaxOwned = 48;

    /// `original` must outlive this object.
    explicit SplicedText(Bytes original) : original_{original} {}
    SplicedText() = default;

    /// Replaces `range` of the original (empty: an insertion) by `with`. Ranges ascend and do not
    /// overlap; `with` is kept as a view: static storage or owned by the exchange.
    void replace(ByteRange range, std::string_view with);
    /// As replace(), but keeps a copy of `with`; all copies together have at most kMaxOwned bytes.
    void replace_by_copy(ByteRange range, std::string_view with);

    std::size_t size() const;
    bool is_edited() const { return edits_ != 0; }

    /// The pieces in order, none empty. They look into the original, the texts and this object.
    struct Pieces {
        std::array<std::string_view, 2 * kMaxEdits + 1> items;
        std::size_t count = 0;
    };
    Pieces pieces() const;

    std::string to_string() const;

private:
    struct Edit {
        ByteRange range;
        std::string_view with;  // empty where it is owned
        ByteRange owned;
    };

    void add(const Edit& edit);
    std::string_view text_of(const Edit& edit) const {
        return edit.owned.empty() ? edit.with : edit.owned.in({owned_.data(), owned_.size()});
    }

    Bytes original_;
    std::array<Edit, kMaxEdits> edit_{};
    std::size_t edits_ = 0;
    std::array<char, kMaxOwned> owned_{};
    std::size_t owned_size_ = 0;
};

}  // namespace headgate::providers
