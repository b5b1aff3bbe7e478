#include "bench/load/event_tally.h"

namespace headgate::bench {
namespace {

constexpr std::size_t kMostLine = 64 * 1024;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

void EventTally::feed(std::string_view bytes) {
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos;
         end = bytes.find('\n')) {
        if (rest_.empty()) {
            read_line(bytes.substr(0, end));
        } else {
            rest_.append(bytes.substr(0, end));
            read_line(rest_);
            rest_.clear();
        }
        bytes.remove_prefix(end + 1);
    }
    rest_.append(bytes);
    if (rest_.size() > kMostLine) {
        is_broken_ = true;
        rest_.clear();
    }
}

bool EventTally::is_complete(std::size_t words) const {
    return is_done_ && !is_broken_ && rest_.empty() && words_ == words;
}

void EventTally::read_line(std::string_view line) {
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    if (line.empty() || line.starts_with(':')) {
        return;
    }
    if (line.starts_with("data: ")) {
        read_event(line.substr(6));
    } else {
        is_broken_ = true;
    }
}

void EventTally::read_event(std::string_view data) {
    ++events_;
    bool is_in_order = !is_done_;
    if (data == "[DONE]") {
        is_in_order &= has_finish_ && has_usage_;
        is_done_ = true;
    } else if (contains(data, R"("usage":{)")) {
        is_in_order &= has_finish_ && !has_usage_;
        has_usage_ = true;
    } else if (contains(data, R"("finish_reason":"stop")")) {
        is_in_order &= has_role_ && !has_finish_;
        has_finish_ = true;
    } else if (contains(data, R"("role":"assistant")")) {
        is_in_order &= !has_role_;
        has_role_ = true;
    } else {
        const std::string word = R"("content":"word)" + std::to_string(words_) + R"( ")";
        is_in_order &= has_role_ && !has_finish_ && contains(data, word);
        ++words_;
    }
    is_broken_ |= !is_in_order;
}

}  // namespace headgate::bench
