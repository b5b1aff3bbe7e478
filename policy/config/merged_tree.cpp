#include "policy/config/merged_tree.h"

namespace headgate::policy {
namespace {

using Kind = YamlNode::Kind;

struct MergedBlock {
    std::string_view name;
    Kind kind = Kind::map;
};
constexpr MergedBlock kMergedBlocks[] = {
    {"providers"}, {"projects"}, {"prices"}, {"routes", Kind::sequence}};

/// The parts of one block, at most one a file.
struct Parts {
    const MergedBlock* block = nullptr;
    std::size_t position = 0;  // of the first part in the merged root
    std::vector<YamlEntry> entries;

    bool has_part_of(std::uint16_t file) const { return entries.back().key->file == file; }
};

void add_size_of(const YamlNode& part, YamlNode& whole) {
    whole.size += part.size;
    whole.height = std::max(whole.height, part.height + 1);
}

void add_entry(YamlNode& map, YamlEntry entry) {
    add_size_of(*entry.key, map);
    add_size_of(*entry.value, map);
    map.entries.push_back(std::move(entry));
}

void add_item(YamlNode& list, const YamlPtr& item) {
    add_size_of(*item, list);
    list.items.push_back(item);
}

std::shared_ptr<YamlNode> empty_like(const YamlNode& node, Kind kind) {
    auto copy = std::make_shared<YamlNode>();
    copy->kind = kind;
    copy->file = node.file;
    copy->line = node.line;
    copy->column = node.column;
    return copy;
}

/// Adds one file's part to the block of all files; what is none is reported as its section would.
void add_part(Reading& reading, const YamlEntry& part, YamlNode& whole) {
    const YamlNode& value = *part.value;
    if (value.kind == Kind::null) {
        reading.error({part.key.get(), part.key->text}, "has no value");
    } else if (whole.kind == Kind::sequence && value.kind == Kind::sequence) {
        for (const YamlPtr& item : value.items) {
            add_item(whole, item);
        }
    } else if (whole.kind == Kind::sequence && value.kind == Kind::map) {
        add_item(whole, part.value);  // a list of one
    } else if (whole.kind == Kind::map && value.kind == Kind::map) {
        for (const YamlEntry& entry : value.entries) {
            add_entry(whole, entry);
        }
    } else {
        reading.error({&value, part.key->text}, whole.kind == Kind::map
                                                    ? "must be a map of settings (`name: value`)"
                                                    : "must be a list");
    }
}

YamlPtr merged_block(Reading& reading, const Parts& parts) {
    const YamlEntry& first = parts.entries.front();
    const auto whole = empty_like(*first.value, parts.block->kind);
    for (const YamlEntry& part : parts.entries) {
        add_part(reading, part, *whole);
    }
    return whole;
}

class RootMerge {
public:
    explicit RootMerge(const YamlNode& main) : root_{empty_like(main, Kind::map)} {}

    void add(const YamlNode& root) {
        for (const YamlEntry& entry : root.entries) {
            if (entry.key->text == "include") {
                continue;
            }
            const auto* const block =
                std::ranges::find(kMergedBlocks, entry.key->text, &MergedBlock::name);
            if (block == std::end(kMergedBlocks) || !add_to_parts(*block, entry)) {
                entries_.push_back(entry);
            }
        }
    }

    YamlPtr finish(Reading& reading) {
        for (const Parts& parts : parts_) {
            if (parts.entries.size() > 1) {
                entries_[parts.position].value = merged_block(reading, parts);
            }
        }
        for (YamlEntry& entry : entries_) {
            add_entry(*root_, std::move(entry));
        }
        return root_;
    }

private:
    /// False where the entry stays one of its own: the second of its file, which is an error.
    bool add_to_parts(const MergedBlock& block, const YamlEntry& entry) {
        const auto parts = std::ranges::find(parts_, &block, &Parts::block);
        if (parts == parts_.end()) {
            parts_.push_back({&block, entries_.size(), {entry}});
            entries_.push_back(entry);
            return true;
        }
        if (parts->has_part_of(entry.key->file)) {
            return false;
        }
        parts->entries.push_back(entry);
        return true;
    }

    std::shared_ptr<YamlNode> root_;
    std::vector<YamlEntry> entries_;
    std::vector<Parts> parts_;
};

}  // namespace

YamlPtr merged_tree(Reading& reading, const std::vector<YamlPtr>& roots) {
    RootMerge merge{*roots.front()};
    for (const YamlPtr& root : roots) {
        merge.add(*root);
    }
    return merge.finish(reading);
}

}  // namespace headgate::policy
