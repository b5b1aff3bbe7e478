#include "policy/config/yaml_tree.h"

#include "policy/config/yaml_builder.h"

#include <yaml.h>

#include <new>
#include <optional>
#include <string_view>

namespace headgate::policy {
namespace {

struct Utf8Form {
    unsigned char lead_mask;
    unsigned char lead;
    std::size_t length;
    std::uint32_t smallest;  // below it the form is overlong
};
constexpr Utf8Form kUtf8Forms[] = {
    {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

/// Length of the UTF-8 character at `at`, or 0 where there is none (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(at) < 0x80) {
        return 1;
    }
    for (const Utf8Form& form : kUtf8Forms) {
        if ((byte(at) & form.lead_mask) != form.lead || text.size() - at < form.length) {
            continue;
        }
        auto code = static_cast<std::uint32_t>(byte(at) & ~form.lead_mask);
        for (std::size_t i = 1; i < form.length; ++i) {
            if ((byte(at + i) & 0xC0) != 0x80) {
                return 0;
            }
            code = code << 6 | (byte(at + i) & 0x3F);
        }
        const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
        return code < form.smallest || code > 0x10FFFF || is_surrogate ? 0 : form.length;
    }
    return 0;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

/// Line breaks of YAML 1.1 that 1.2 and most editors take for characters: what looks like the rest
/// of a comment would be settings.
bool is_hidden_line_break(std::string_view text, std::size_t at) {
    const std::string_view rest = text.substr(at, 3);
    return rest.starts_with("\xC2\x85") || rest == "\xE2\x80\xA8" || rest == "\xE2\x80\xA9";
}

YamlError error_at_byte(const std::string& text, std::size_t at, std::string message) {
    const std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const std::size_t line_begin = before == std::string::npos ? 0 : before + 1;
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(line_begin);
    return {static_cast<int>(std::count(text.begin(), end, '\n')) + 1,
            static_cast<int>(at - line_begin) + 1, std::move(message)};
}

/// The first byte that no policy may hold: it tells a binary or half-written file.
std::optional<YamlError> bad_byte(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
        if (is_control(text[i])) {
            return error_at_byte(text, i, "the file holds a control character here");
        }
        const std::size_t length = utf8_length(text, i);
        if (length == 0) {
            return error_at_byte(text, i, "the file is not UTF-8 here");
        }
        if (length > 1 && is_hidden_line_break(text, i)) {
            return error_at_byte(text, i,
                                 "the file holds a line break here that most editors do not show "
                                 "(U+0085, U+2028 or U+2029)");
        }
        i += length;
    }
    return std::nullopt;
}

/// libyaml's parser over a text that outlives it.
class EventParser {
public:
    explicit EventParser(const std::string& text) : text_{text} {
        if (yaml_parser_initialize(&parser_) == 0) {
            throw std::bad_alloc{};
        }
        yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size());
    }
    ~EventParser() {
        yaml_event_delete(&event_);
        yaml_parser_delete(&parser_);
    }
    EventParser(const EventParser&) = delete;
    EventParser& operator=(const EventParser&) = delete;

    /// The next event, valid until the next call. Throws YamlRefusal where there is none.
    const yaml_event_t& next() {
        yaml_event_delete(&event_);
        if (yaml_parser_parse(&parser_, &event_) == 0) {
            if (parser_.error == YAML_MEMORY_ERROR) {
                throw std::bad_alloc{};
            }
            throw YamlRefusal{error()};
        }
        return event_;
    }

private:
    YamlError error() const {
        std::string message = "this is not valid YAML: ";
        message += parser_.problem == nullptr ? "it cannot be read" : parser_.problem;
        if (parser_.error == YAML_READER_ERROR) {
            return error_at_byte(text_, std::min(parser_.problem_offset, text_.size()), message);
        }
        if (parser_.context != nullptr) {
            message += std::string(" ") + parser_.context + " that begins in line " +
                       std::to_string(parser_.context_mark.line + 1);
        }
        return {static_cast<int>(parser_.problem_mark.line) + 1,
                static_cast<int>(parser_.problem_mark.column) + 1, message};
    }

    const std::string& text_;
    yaml_parser_t parser_{};
    yaml_event_t event_{};
};

YamlMark mark_of(const yaml_event_t& event, const yaml_char_t* anchor) {
    return {static_cast<int>(event.start_mark.line) + 1,
            static_cast<int>(event.start_mark.column) + 1,
            anchor == nullptr ? "" : reinterpret_cast<const char*>(anchor)};
}

bool is_null_text(std::string_view text) {
    constexpr std::array<std::string_view, 5> nulls = {"", "~", "null", "Null", "NULL"};
    return std::ranges::find(nulls, text) != nulls.end();
}

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

/// The name of a core tag such as "int"; empty: none, "!": this node is text or a plain collection.
std::string_view core_tag(const YamlMark& mark, const yaml_char_t* tag) {
    if (tag == nullptr) {
        return {};
    }
    const std::string_view name = reinterpret_cast<const char*>(tag);
    constexpr std::array<std::string_view, 6> known = {"str", "int", "float", "bool", "seq", "map"};
    if (name == "!") {
        return name;
    }
    if (!name.starts_with(kCoreTag) ||
        std::ranges::find(known, name.substr(kCoreTag.size())) == known.end()) {
        throw YamlRefusal{
            {mark.line, mark.column, "this tag has no meaning in a policy; leave it out"}};
    }
    return name.substr(kCoreTag.size());
}

void refuse_tag_unless(bool is_right, const YamlMark& mark) {
    if (!is_right) {
        throw YamlRefusal{
            {mark.line, mark.column, "this tag does not fit what stands here; leave it out"}};
    }
}

void add_scalar(YamlBuilder& builder, const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    const YamlMark mark = mark_of(event, scalar.anchor);
    const std::string_view tag = core_tag(mark, scalar.tag);
    refuse_tag_unless(tag != "seq" && tag != "map", mark);
    std::string text{reinterpret_cast<const char*>(scalar.value), scalar.length};
    const bool is_plain =
        tag.empty() ? scalar.style == YAML_PLAIN_SCALAR_STYLE : tag != "!" && tag != "str";
    if (tag.empty() && is_plain && is_null_text(text)) {
        builder.add_scalar(mark, YamlNode::Kind::null, {}, false);
    } else {
        builder.add_scalar(mark, YamlNode::Kind::scalar, std::move(text), is_plain);
    }
}

void open_collection(YamlBuilder& builder, const yaml_event_t& event) {
    const bool is_map = event.type == YAML_MAPPING_START_EVENT;
    const auto& map = event.data.mapping_start;
    const auto& list = event.data.sequence_start;
    const YamlMark mark = mark_of(event, is_map ? map.anchor : list.anchor);
    const std::string_view tag = core_tag(mark, is_map ? map.tag : list.tag);
    refuse_tag_unless(tag.empty() || tag == "!" || tag == (is_map ? "map" : "seq"), mark);
    builder.open(mark, is_map ? YamlNode::Kind::map : YamlNode::Kind::sequence);
}

/// False behind the last event.
bool add_event(YamlBuilder& builder, const yaml_event_t& event) {
    switch (event.type) {
        case YAML_DOCUMENT_START_EVENT:
            if (builder.root()) {
                const YamlMark mark = mark_of(event, nullptr);
                throw YamlRefusal{
                    {mark.line, mark.column,
                     "a policy is a single YAML document, but a second one begins here"}};
            }
            return true;
        case YAML_SCALAR_EVENT:
            add_scalar(builder, event);
            return true;
        case YAML_ALIAS_EVENT:
            builder.add_alias(mark_of(event, event.data.alias.anchor));
            return true;
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
            open_collection(builder, event);
            return true;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            builder.close();
            return true;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            return true;
        case YAML_STREAM_END_EVENT:
        case YAML_NO_EVENT:
            break;
    }
    return false;
}

}  // namespace

std::expected<YamlPtr, YamlError> parse_yaml(const std::string& text) {
    YamlFile file;
    return parse_yaml(text, file);
}

std::expected<YamlPtr, YamlError> parse_yaml(const std::string& text, YamlFile& file) {
    if (text.size() > kMaxYamlBytes) {
        return std::unexpected(YamlError{0, 0, "the file is larger than 8 MiB"});
    }
    if (auto error = bad_byte(text)) {
        return std::unexpected(std::move(*error));
    }
    YamlBuilder builder{file};
    try {
        EventParser parser{text};
        while (add_event(builder, parser.next())) {
        }
    } catch (const YamlRefusal& refusal) {
        return std::unexpected(refusal.error);
    }
    if (builder.root()) {
        return builder.root();
    }
    auto nothing = std::make_shared<YamlNode>();
    nothing->file = file.file;
    return nothing;
}

}  // namespace headgate::policy
