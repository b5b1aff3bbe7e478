#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace headgate::bench {

/// Reads the body of a stream of chat.completion.chunk events and tells whether all of it came, in
/// order: the role, word0 … word(n-1), finish_reason, usage, [DONE]. Independent of how the bytes
/// were split; comment lines are passed over, as the WHATWG's event stream format says.
class EventTally {
public:
    /// A line beyond 64 KiB counts as broken.
    void feed(std::string_view bytes);

    std::size_t events() const { return events_; }
    bool is_broken() const { return is_broken_; }
    bool is_complete(std::size_t words) const;

private:
    void read_line(std::string_view line);
    void read_event(std::string_view data);

    std::string rest_;  // of a line whose end has not come
    std::size_t events_ = 0;
    std::size_t words_ = 0;
    bool has_role_ = false;
    bool has_finish_ = false;
    bool has_usage_ = false;
    bool is_done_ = false;
    bool is_broken_ = false;
};

}  // namespace headgate::bench
