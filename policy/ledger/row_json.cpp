#include "policy/ledger/row_json.h"

#include "providers/contract/api_error.h"

#include <array>
#include <charconv>
#include <concepts>

namespace headgate::policy {
namespace {

using providers::append_json_escaped;

constexpr std::size_t kUsualLine = 1536;  // with two attempts; a longer one grows the string

void append_number(std::string& out, std::integral auto number) {
    std::array<char, 24> text{};
    out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

/// The lowest `width` decimal digits, with leading zeros.
void append_digits(std::string& out, unsigned number, unsigned width) {
    std::array<char, 10> text{};
    for (unsigned i = width; i > 0; --i) {
        text[i - 1] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    out.append(text.data(), width);
}

/// One function a kind of value; each takes the bytes that lead to it: `,"name":`.
class RowWriter {
public:
    explicit RowWriter(std::string& out) : out_{out} {}

    void raw(std::string_view json) { out_ += json; }

    void text(std::string_view name, std::string_view value) {
        out_ += name;
        out_ += '"';
        append_json_escaped(out_, value);
        out_ += '"';
    }

    void text_or_null(std::string_view name, std::string_view value) {
        if (value.empty()) {
            out_ += name;
            out_ += "null";
        } else {
            text(name, value);
        }
    }

    void number(std::string_view name, std::integral auto value) {
        out_ += name;
        append_number(out_, value);
    }

    void status(std::string_view name, int value) {
        if (value == 0) {
            out_ += name;
            out_ += "null";
        } else {
            number(name, value);
        }
    }

    void boolean(std::string_view name, bool value) {
        out_ += name;
        out_ += value ? "true" : "false";
    }

    /// A string, so that no reader turns it into floating point.
    void money(std::string_view name, providers::Money value) {
        out_ += name;
        out_ += '"';
        out_ += value.to_string();  // in the string itself up to 99,999 USD: no allocation
        out_ += '"';
    }

    /// Milliseconds with the places that are not zero, three at most.
    void milliseconds(std::string_view name, std::chrono::microseconds value) {
        out_ += name;
        std::int64_t micros = value.count();
        if (micros < 0) {  // a clock that was set back
            micros = 0;
        }
        append_number(out_, micros / 1000);
        auto places = static_cast<unsigned>(micros % 1000);
        unsigned width = 3;
        while (width > 0 && places % 10 == 0) {
            places /= 10;
            --width;
        }
        if (width > 0) {
            out_ += '.';
            append_digits(out_, places, width);
        }
    }

    /// RFC 3339 in UTC, "2026-11-24T09:05:00.123Z". Years stay between 1677 and 2262: what the
    /// clock's type can hold.
    void time(std::string_view name, providers::WallTime value) {
        // Milliseconds first: at the ends of the clock's range a whole day of finer ticks
        // overflows.
        const auto moment = std::chrono::floor<std::chrono::milliseconds>(value);
        const auto day = std::chrono::floor<std::chrono::days>(moment);
        const std::chrono::year_month_day date{day};
        const auto millis = static_cast<unsigned>((moment - day).count());
        out_ += name;
        out_ += '"';
        append_digits(out_, static_cast<unsigned>(static_cast<int>(date.year())), 4);
        out_ += '-';
        append_digits(out_, static_cast<unsigned>(date.month()), 2);
        out_ += '-';
        append_digits(out_, static_cast<unsigned>(date.day()), 2);
        out_ += 'T';
        append_digits(out_, millis / 3'600'000, 2);
        out_ += ':';
        append_digits(out_, millis / 60'000 % 60, 2);
        out_ += ':';
        append_digits(out_, millis / 1'000 % 60, 2);
        out_ += '.';
        append_digits(out_, millis % 1'000, 3);
        out_ += "Z\"";
    }

private:
    std::string& out_;
};

/// The first "name=value" of `tags`, which loses it.
std::string_view next_tag(std::string_view& tags) {
    const std::size_t comma = tags.find(',');
    const std::string_view tag = tags.substr(0, comma);
    tags.remove_prefix(comma == std::string_view::npos ? tags.size() : comma + 1);
    return tag;
}

std::string_view name_of(std::string_view tag) {
    return tag.substr(0, tag.find('='));
}

bool is_named_in(std::string_view tags, std::string_view name) {
    while (!tags.empty()) {
        if (name_of(next_tag(tags)) == name) {
            return true;
        }
    }
    return false;
}

/// "team=a,feature=b" as an object. Of a name that stands twice the last value holds: a JSON name
/// that is repeated would be read differently by different readers.
void write_tags(RowWriter& row, std::string_view tags) {
    row.raw(R"(,"tags":{)");
    bool is_first = true;
    while (!tags.empty()) {
        const std::string_view tag = next_tag(tags);
        const std::string_view name = name_of(tag);
        if (name.empty() || is_named_in(tags, name)) {
            continue;
        }
        row.text(is_first ? "" : ",", name);
        row.text(":", name.size() < tag.size() ? tag.substr(name.size() + 1) : "");
        is_first = false;
    }
    row.raw("}");
}

void write_attempts(RowWriter& row, const std::vector<AttemptRecord>& attempts) {
    row.raw(R"(,"attempts":[)");
    std::string_view opening = R"({"provider":)";
    for (const AttemptRecord& attempt : attempts) {
        row.text(opening, attempt.provider);
        row.text(R"(,"model":)", attempt.model);
        row.status(R"(,"status":)", attempt.status);
        row.text_or_null(R"(,"reason":)", attempt.reason);
        row.milliseconds(R"(,"ms":)", attempt.duration);
        row.raw("}");
        opening = R"(,{"provider":)";
    }
    row.raw("]");
}

void write_skipped(RowWriter& row, const std::vector<SkippedRecord>& skipped) {
    row.raw(R"(,"skipped":[)");
    std::string_view opening = R"({"provider":)";
    for (const SkippedRecord& target : skipped) {
        row.text(opening, target.provider);
        row.text(R"(,"model":)", target.model);
        row.text_or_null(R"(,"reason":)", target.reason);
        row.raw("}");
        opening = R"(,{"provider":)";
    }
    row.raw("]");
}

/// What the contract calls tokens: input includes cached ones, output includes reasoning.
void write_usage(RowWriter& row, const providers::Usage& usage) {
    row.number(R"(,"input_tokens":)", usage.total_input().count);
    row.number(R"(,"cached_input_tokens":)", usage.cached_input.count);
    row.number(R"(,"cache_write_tokens":)", usage.cache_write.count);
    row.number(R"(,"output_tokens":)", usage.total_output().count);
    row.number(R"(,"reasoning_tokens":)", usage.reasoning.count);
    row.number(R"(,"audio_tokens":)", usage.audio().count);
    row.number(R"(,"images":)", usage.images);
}

/// All ledger fields in their order, without the closing brace.
void write_ledger_fields(RowWriter& json, const LedgerRow& row) {
    json.text(R"({"id":)", row.id);
    json.time(R"(,"time":)", row.time);
    json.text_or_null(R"(,"project":)", row.project);
    json.text_or_null(R"(,"key":)", row.key);
    json.text_or_null(R"(,"endpoint":)", row.endpoint);
    json.text_or_null(R"(,"route":)", row.route);
    json.text_or_null(R"(,"provider":)", row.provider);
    json.text_or_null(R"(,"model":)", row.model);
    json.text_or_null(R"(,"requested_model":)", row.requested_model);
    json.status(R"(,"status":)", row.status.value_or(0));
    json.text_or_null(R"(,"code":)", row.code);
    json.text(R"(,"outcome":)", to_string(row.outcome));
    json.boolean(R"(,"stream":)", row.stream);
    write_usage(json, row.usage);
    json.money(R"(,"cost_usd":)", row.cost);
    json.text(R"(,"price":)", row.price);
    json.boolean(R"(,"estimated":)", row.usage.is_estimated);
    json.boolean(R"(,"over_reserved":)", row.over_reserved);
    json.text(R"(,"cache":)", row.cache);
    json.money(R"(,"saved_usd":)", row.saved);
    write_attempts(json, row.attempts);
    write_skipped(json, row.skipped);
    json.milliseconds(R"(,"duration_ms":)", row.duration);
    if (row.first_byte) {
        json.milliseconds(R"(,"first_byte_ms":)", *row.first_byte);
    } else {
        json.raw(R"(,"first_byte_ms":null)");
    }
    write_tags(json, row.tags);
    json.text_or_null(R"(,"client_request_id":)", row.client_request_id);
    json.number(R"(,"count":)", row.count);
}

}  // namespace

void append_ledger_json(std::string& out, const LedgerRow& row) {
    out.reserve(out.size() + kUsualLine);
    RowWriter json{out};
    write_ledger_fields(json, row);
    json.raw("}");
}

void append_access_json(std::string& out, const LedgerRow& row) {
    out.reserve(out.size() + kUsualLine);
    RowWriter json{out};
    write_ledger_fields(json, row);
    json.text_or_null(R"(,"client":)", row.client);
    json.number(R"(,"bytes_in":)", row.bytes_in);
    json.number(R"(,"bytes_out":)", row.bytes_out);
    json.text_or_null(R"(,"trace_id":)", row.trace_id);
    json.milliseconds(R"(,"overhead_ms":)", row.overhead);
    json.raw("}");
}

}  // namespace headgate::policy
