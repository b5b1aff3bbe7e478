#include "policy/ledger/row_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

// The form, version 1:
//
//   u8 version, u8 flags, u8 outcome, u8 zero, i32 status
//   i64 time (ns since 1970), ten usage counts, cost, saved, duration (µs), first byte (µs), count
//   13 texts, each with a u16 length before it: kTexts
//   u16 count of attempts; each: texts provider, model, reason; i32 status; i64 duration (µs)
//   u16 count of skipped;  each: texts provider, model, reason
namespace headgate::policy {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr std::uint8_t kVersion = 1;

enum Flag : std::uint8_t {
    kStream = 1,
    kOverReserved = 2,
    kUsageReported = 4,
    kUsageEstimated = 8,
    kHasStatus = 16,
    kHasFirstByte = 32,
    kAllFlags = 63,
};

/// In their order; the id stands first, so that encoded_row_id() finds it.
constexpr std::array kTexts{&LedgerRow::id,
                            &LedgerRow::project,
                            &LedgerRow::key,
                            &LedgerRow::endpoint,
                            &LedgerRow::route,
                            &LedgerRow::provider,
                            &LedgerRow::model,
                            &LedgerRow::requested_model,
                            &LedgerRow::code,
                            &LedgerRow::price,
                            &LedgerRow::cache,
                            &LedgerRow::tags,
                            &LedgerRow::client_request_id};
constexpr std::array kTokens{&providers::Usage::input,        &providers::Usage::cached_input,
                             &providers::Usage::cache_write,  &providers::Usage::output,
                             &providers::Usage::reasoning,    &providers::Usage::audio_input,
                             &providers::Usage::audio_output, &providers::Usage::image_input,
                             &providers::Usage::image_output};

constexpr std::size_t kLengthBytes = sizeof(std::uint16_t);
/// The first four bytes and the status; then time, tokens, images, cost, saved, the two durations
/// and the count.
constexpr std::size_t kFixedBytes = 4 + sizeof(std::int32_t) + (kTokens.size() + 7) * 8;
constexpr std::size_t kCountBytes = sizeof(std::uint16_t);

std::size_t bytes_of(std::string_view text) {
    return kLengthBytes + text.size();
}

std::size_t bytes_of(const AttemptRecord& attempt) {
    return bytes_of(attempt.provider) + bytes_of(attempt.model) + bytes_of(attempt.reason) +
           sizeof(std::int32_t) + sizeof(std::int64_t);
}

std::size_t bytes_of(const SkippedRecord& target) {
    return bytes_of(target.provider) + bytes_of(target.model) + bytes_of(target.reason);
}

/// What of a row is written.
struct Extent {
    std::size_t attempts = 0;
    std::size_t skipped = 0;
    bool has_tags = true;
    bool has_client_request_id = true;
};

/// Leaves out what must be for the row to fit into `room`; false where it cannot.
bool fit(const LedgerRow& row, std::size_t room, Extent& extent) {
    std::size_t size = kFixedBytes + 2 * kCountBytes;
    for (const auto text : kTexts) {
        size += bytes_of(row.*text);
    }
    for (const AttemptRecord& attempt : row.attempts) {
        size += bytes_of(attempt);
    }
    for (const SkippedRecord& target : row.skipped) {
        size += bytes_of(target);
    }
    extent.attempts = row.attempts.size();
    extent.skipped = row.skipped.size();
    while (size > room && extent.attempts > 0) {
        size -= bytes_of(row.attempts[--extent.attempts]);
    }
    while (size > room && extent.skipped > 0) {
        size -= bytes_of(row.skipped[--extent.skipped]);
    }
    if (size > room) {
        size -= row.tags.size();
        extent.has_tags = false;
    }
    if (size > room) {
        size -= row.client_request_id.size();
        extent.has_client_request_id = false;
    }
    return size <= room;
}

/// Writes into room that is known to suffice.
class Output {
public:
    explicit Output(char* to) : to_{to} {}

    template <class Number>
    void number(Number value) {
        std::memcpy(to_, &value, sizeof value);
        to_ += sizeof value;
    }

    void text(std::string_view value) {
        number(static_cast<std::uint16_t>(value.size()));
        if (!value.empty()) {
            std::memcpy(to_, value.data(), value.size());
        }
        to_ += value.size();
    }

    const char* end() const { return to_; }

private:
    char* to_;
};

std::uint8_t flags_of(const LedgerRow& row) {
    return static_cast<std::uint8_t>(
        (row.stream ? kStream : 0) | (row.over_reserved ? kOverReserved : 0) |
        (row.usage.is_reported ? kUsageReported : 0) |
        (row.usage.is_estimated ? kUsageEstimated : 0) | (row.status ? kHasStatus : 0) |
        (row.first_byte ? kHasFirstByte : 0));
}

void write_fixed(Output& out, const LedgerRow& row) {
    out.number(kVersion);
    out.number(flags_of(row));
    out.number(static_cast<std::uint8_t>(row.outcome));
    out.number(std::uint8_t{0});
    out.number(static_cast<std::int32_t>(row.status.value_or(0)));
    out.number(std::int64_t{
        std::chrono::duration_cast<std::chrono::nanoseconds>(row.time.time_since_epoch()).count()});
    for (const auto tokens : kTokens) {
        out.number(std::int64_t{(row.usage.*tokens).count});
    }
    out.number(row.usage.images);
    out.number(row.cost.nanos());
    out.number(row.saved.nanos());
    out.number(std::int64_t{row.duration.count()});
    out.number(std::int64_t{row.first_byte.value_or(std::chrono::microseconds{0}).count()});
    out.number(row.count);
}

/// Reads bytes that may be anything; after a fault every read gives nothing.
class Input {
public:
    explicit Input(std::string_view bytes) : rest_{bytes} {}

    template <class Number>
    Number number() {
        Number value{};
        const std::string_view bytes = take(sizeof value);
        if (!bytes.empty()) {
            std::memcpy(&value, bytes.data(), sizeof value);
        }
        return value;
    }

    std::string_view text() { return take(number<std::uint16_t>()); }

    bool is_cut() const { return is_cut_; }
    std::size_t left() const { return rest_.size(); }

private:
    std::string_view take(std::size_t size) {
        if (is_cut_ || size > rest_.size()) {
            is_cut_ = true;
            return {};
        }
        const std::string_view bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return bytes;
    }

    std::string_view rest_;
    bool is_cut_ = false;
};

/// Empty, or what is wrong.
std::string_view read_fixed(Input& in, LedgerRow& row) {
    const auto version = in.number<std::uint8_t>();
    const auto flags = in.number<std::uint8_t>();
    const auto outcome = in.number<std::uint8_t>();
    const auto zero = in.number<std::uint8_t>();
    const auto status = in.number<std::int32_t>();
    if (in.is_cut()) {
        return "row is cut short";
    }
    if (version != kVersion) {
        return "row has a version that is not known";
    }
    if (outcome > static_cast<std::uint8_t>(Outcome::expired) || (flags & ~kAllFlags) != 0 ||
        zero != 0) {
        return "row has an outcome or a flag that does not exist";
    }
    row.stream = (flags & kStream) != 0;
    row.over_reserved = (flags & kOverReserved) != 0;
    row.usage.is_reported = (flags & kUsageReported) != 0;
    row.usage.is_estimated = (flags & kUsageEstimated) != 0;
    row.outcome = static_cast<Outcome>(outcome);
    if ((flags & kHasStatus) != 0) {
        row.status = status;
    }
    row.time = providers::WallTime{std::chrono::duration_cast<providers::WallTime::duration>(
        std::chrono::nanoseconds{in.number<std::int64_t>()})};
    for (const auto tokens : kTokens) {
        (row.usage.*tokens).count = in.number<std::int64_t>();
    }
    row.usage.images = in.number<std::int64_t>();
    row.cost = providers::Money::nanos(in.number<std::int64_t>());
    row.saved = providers::Money::nanos(in.number<std::int64_t>());
    row.duration = std::chrono::microseconds{in.number<std::int64_t>()};
    const std::chrono::microseconds first_byte{in.number<std::int64_t>()};
    if ((flags & kHasFirstByte) != 0) {
        row.first_byte = first_byte;
    }
    row.count = in.number<std::int64_t>();
    return in.is_cut() ? "row is cut short" : "";
}

/// The count of a list whose entries have `least` bytes each at least; 0 and a fault where so many
/// cannot be there, so that a few bytes do not reserve much memory.
std::size_t read_count(Input& in, std::size_t least, bool& is_wrong) {
    const std::size_t count = in.number<std::uint16_t>();
    is_wrong = is_wrong || count * least > in.left();
    return is_wrong ? 0 : count;
}

bool read_lists(Input& in, LedgerRow& row) {
    bool is_wrong = false;
    row.attempts.resize(read_count(in, bytes_of(AttemptRecord{}), is_wrong));
    for (AttemptRecord& attempt : row.attempts) {
        attempt.provider = in.text();
        attempt.model = in.text();
        attempt.reason = in.text();
        attempt.status = in.number<std::int32_t>();
        attempt.duration = std::chrono::microseconds{in.number<std::int64_t>()};
    }
    row.skipped.resize(read_count(in, bytes_of(SkippedRecord{}), is_wrong));
    for (SkippedRecord& target : row.skipped) {
        target.provider = in.text();
        target.model = in.text();
        target.reason = in.text();
    }
    return !is_wrong && !in.is_cut();
}

}  // namespace

std::size_t encode_row(const LedgerRow& row, std::span<char> to) {
    static_assert(kMaxEncodedRow <= std::numeric_limits<std::uint16_t>::max(),
                  "what fits has 16 bit lengths and counts");
    Extent extent;
    if (!fit(row, std::min(to.size(), kMaxEncodedRow), extent)) {
        return 0;
    }
    Output out{to.data()};
    write_fixed(out, row);
    for (const auto text : kTexts) {
        const bool is_left_out =
            (text == &LedgerRow::tags && !extent.has_tags) ||
            (text == &LedgerRow::client_request_id && !extent.has_client_request_id);
        out.text(is_left_out ? std::string_view{} : row.*text);
    }
    out.number(static_cast<std::uint16_t>(extent.attempts));
    for (const AttemptRecord& attempt : std::span{row.attempts}.first(extent.attempts)) {
        out.text(attempt.provider);
        out.text(attempt.model);
        out.text(attempt.reason);
        out.number(std::int32_t{attempt.status});
        out.number(std::int64_t{attempt.duration.count()});
    }
    out.number(static_cast<std::uint16_t>(extent.skipped));
    for (const SkippedRecord& target : std::span{row.skipped}.first(extent.skipped)) {
        out.text(target.provider);
        out.text(target.model);
        out.text(target.reason);
    }
    return static_cast<std::size_t>(out.end() - to.data());
}

std::expected<LedgerRow, std::string> decode_row(std::string_view bytes) {
    LedgerRow row;
    Input in{bytes};
    if (const std::string_view wrong = read_fixed(in, row); !wrong.empty()) {
        return std::unexpected{std::string{wrong}};
    }
    for (const auto text : kTexts) {
        row.*text = in.text();
    }
    if (!read_lists(in, row)) {
        return std::unexpected{std::string{"row has a length that leads outside"}};
    }
    if (in.left() > 0) {
        return std::unexpected{std::string{"row has bytes behind its end"}};
    }
    if (row.id.empty()) {
        return std::unexpected{std::string{"row has no id"}};
    }
    return row;
}

std::string_view encoded_row_id(std::string_view bytes) {
    if (bytes.size() < kFixedBytes || static_cast<std::uint8_t>(bytes.front()) != kVersion) {
        return {};
    }
    return Input{bytes.substr(kFixedBytes)}.text();
}

}  // namespace headgate::policy
