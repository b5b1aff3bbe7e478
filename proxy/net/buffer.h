#pragma once

#include "providers/base/bytes.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace headgate::proxy {

/// Bytes that grow, without the zeroing of std::string::resize: sockets read straight into it.
class Buffer {
public:
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    providers::Bytes view() const { return {data_.get(), size_}; }

    /// Room for `bytes` more behind the end; valid until the next call that changes the buffer.
    char* room(std::size_t bytes) {
        if (capacity_ - size_ < bytes) {
            grow(size_ + bytes > capacity_ * 2 ? size_ + bytes : capacity_ * 2);
        }
        return data_.get() + size_;
    }
    std::size_t free() const { return capacity_ - size_; }
    /// `bytes` of room() have been written.
    void added(std::size_t bytes) { size_ += bytes; }

    void append(providers::Bytes bytes) {
        if (bytes.empty()) {
            return;
        }
        std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    void clear() { size_ = 0; }
    /// Gives the memory back.
    void reset() {
        data_.reset();
        size_ = capacity_ = 0;
    }

private:
    struct Free {
        void operator()(char* memory) const { std::free(memory); }
    };

    void grow(std::size_t capacity) {
        auto* grown = static_cast<char*>(std::realloc(data_.get(), capacity));
        if (grown == nullptr) {
            throw std::bad_alloc{};
        }
        [[maybe_unused]] char* old = data_.release();
        data_.reset(grown);
        capacity_ = capacity;
    }

    std::unique_ptr<char, Free> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace headgate::proxy
