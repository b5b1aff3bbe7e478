#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace headgate::proxy {

/// A short text inside an object, so that keeping it costs no allocation. What does not fit whole
/// is not kept.
template <std::size_t Room>
class FixedText {
public:
    // The room is not cleared: nothing behind size_ is ever read.
    FixedText() {}  // NOLINT(cppcoreguidelines-pro-type-member-init,modernize-use-equals-default)

    bool append(std::string_view text) {
        if (text.size() > Room - size_) {
            return false;
        }
        text.copy(text_.data() + size_, text.size());
        size_ += text.size();
        return true;
    }
    void assign(std::string_view text) {
        size_ = 0;
        append(text);
    }
    void clear() { size_ = 0; }
    bool empty() const { return size_ == 0; }
    std::string_view view() const { return {text_.data(), size_}; }

private:
    std::array<char, Room> text_;
    std::size_t size_ = 0;
};

}  // namespace headgate::proxy
