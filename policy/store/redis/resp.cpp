#include "policy/store/redis/resp.h"

#include <hiredis.h>

#include <cstdlib>
#include <new>

namespace headgate::policy {

namespace {

constexpr std::size_t kMaxReplyBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxReplyValues = std::size_t{1} << 18;

/// Where hiredis wants the value of `task`: a place in the list that it is part of, or a new root.
/// Null, which breaks the reader, where memory is out.
RespValue* place_of(const redisReadTask* task) {
    if (task->parent != nullptr) {
        auto* list = static_cast<RespValue*>(task->parent->obj);
        return &list->items[static_cast<std::size_t>(task->idx)];
    }
    return new (std::nothrow) RespValue;
}

void* create_text(const redisReadTask* task, char* bytes, std::size_t size) {
    RespValue* value = place_of(task);
    if (value != nullptr) {
        value->kind =
            task->type == REDIS_REPLY_ERROR ? RespValue::Kind::error : RespValue::Kind::text;
        value->text.assign(bytes, size);
    }
    return value;
}

/// What a list announces is made at once, so that pointers to its items stay. Hence the bound on
/// the values of one reply.
void* create_list(const redisReadTask* task, int count) {
    auto& values_left = *static_cast<std::size_t*>(task->privdata);
    const auto size = static_cast<std::size_t>(count);
    if (count < 0 || size > values_left) {
        return nullptr;
    }
    values_left -= size;
    RespValue* value = place_of(task);
    if (value != nullptr) {
        value->kind = RespValue::Kind::list;
        value->items.resize(size);
    }
    return value;
}

void* create_number(const redisReadTask* task, long long number) {
    RespValue* value = place_of(task);
    if (value != nullptr) {
        value->kind = RespValue::Kind::number;
        value->number = number;
    }
    return value;
}

void* create_nil(const redisReadTask* task) {
    return place_of(task);
}

/// hiredis frees roots only; they own the rest.
void free_root(void* value) {
    delete static_cast<RespValue*>(value);
}

}  // namespace

bool RespValue::is_error(std::string_view code) const {
    return kind == Kind::error && text.starts_with(code) &&
           (text.size() == code.size() || text[code.size()] == ' ');
}

std::string resp_command(std::span<const std::string_view> words) {
    std::vector<const char*> starts;
    std::vector<std::size_t> sizes;
    starts.reserve(words.size());
    sizes.reserve(words.size());
    for (const std::string_view word : words) {
        starts.push_back(word.data());
        sizes.push_back(word.size());
    }
    char* bytes = nullptr;
    const int size =
        redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), starts.data(), sizes.data());
    if (size < 0) {
        throw std::bad_alloc{};
    }
    const std::unique_ptr<char, decltype(&std::free)> owner{bytes, &std::free};
    return {bytes, static_cast<std::size_t>(size)};
}

struct RespReader::Impl {
    Impl() : reader{redisReaderCreateWithFunctions(&functions), &redisReaderFree} {
        if (reader == nullptr) {
            throw std::bad_alloc{};
        }
        reader->privdata = &values_left;
    }

    redisReplyObjectFunctions functions{.createString = create_text,
                                        .createArray = create_list,
                                        .createInteger = create_number,
                                        .createNil = create_nil,
                                        .freeObject = free_root};
    std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader;
    std::size_t values_left = kMaxReplyValues;
    std::size_t unread = 0;  // bytes fed since the latest whole reply
    bool is_broken = false;
};

RespReader::RespReader() : impl_{std::make_unique<Impl>()} {}

RespReader::~RespReader() = default;

void RespReader::feed(std::string_view bytes) {
    if (impl_->is_broken || bytes.empty()) {
        return;
    }
    impl_->unread += bytes.size();
    if (impl_->unread > kMaxReplyBytes ||
        redisReaderFeed(impl_->reader.get(), bytes.data(), bytes.size()) != REDIS_OK) {
        impl_->is_broken = true;
    }
}

std::optional<RespValue> RespReader::next() {
    if (impl_->is_broken) {
        return std::nullopt;
    }
    void* found = nullptr;
    if (redisReaderGetReply(impl_->reader.get(), &found) != REDIS_OK) {
        impl_->is_broken = true;
        return std::nullopt;
    }
    if (found == nullptr) {
        return std::nullopt;
    }
    const std::unique_ptr<RespValue> value{static_cast<RespValue*>(found)};
    impl_->values_left = kMaxReplyValues;
    impl_->unread = impl_->reader->len - impl_->reader->pos;
    return std::move(*value);
}

bool RespReader::is_broken() const {
    return impl_->is_broken;
}

}  // namespace headgate::policy
