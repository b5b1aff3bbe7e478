#include "policy/config/includes.h"

#include "policy/config/include_glob.h"
#include "policy/config/merged_tree.h"
#include "policy/config/plain_secrets.h"

#include <map>

namespace headgate::policy {
namespace {

constexpr std::size_t kMaxDirectoryEntries = 100'000;

/// What most often lies behind an error of YAML itself.
std::string yaml_hint(const SourceText& source, const YamlError& error) {
    if (source.line(error.line).contains("${")) {
        return "a reference inside { } or [ ] needs quotes: \"${NAME}\"";
    }
    const auto last_line = 1 + std::ranges::count(source.text(), '\n');
    const bool is_at_end = error.line > 0 && error.line >= last_line - 1;
    return is_at_end ? "is the file cut off here?" : "";
}

/// What stands for the place of an error where there is no node.
YamlNode place_of(std::uint16_t file, const YamlError& error) {
    YamlNode node;
    node.file = file;
    node.line = error.line;
    node.column = error.column;
    return node;
}

class PolicyTreeReader {
public:
    PolicyTreeReader(Reading& reading, PolicySources& sources)
        : reading_{reading}, sources_{sources} {}

    YamlPtr read(const FileText& main) {
        total_bytes_ = reading_.source().text().size();
        seen_.emplace(main.identity, nullptr);
        open_.push_back(main.identity);
        read_root(0, main.others_may_read);
        return is_complete_ ? merged_tree(reading_, roots_) : nullptr;
    }

private:
    /// Parses a file that is in `reading_`, then reads what it includes.
    void read_root(std::uint16_t file, bool others_may_read) {
        yaml_.file = file;
        const auto root = parse_yaml(reading_.source(file).text(), yaml_);
        if (!root) {
            fail_at(place_of(file, root.error()), root.error().message,
                    yaml_hint(reading_.source(file), root.error()));
            return;
        }
        reading_.learn(*root);
        if ((*root)->kind == YamlNode::Kind::null) {
            fail_at(place_of(file, {}),
                    file == 0 ? "the file is empty; a policy needs `providers` and `projects`"
                              : "the file is empty; where it is to add nothing, write {} into it");
            return;
        }
        if ((*root)->kind != YamlNode::Kind::map) {
            fail_at(**root, "a policy is a map of settings (`name: value`)");
            return;
        }
        if (others_may_read) {
            warn_of_plain_secrets(reading_, **root);
        }
        roots_.push_back(*root);
        read_includes(**root);
    }

    void read_includes(const YamlNode& root) {
        const YamlNode* first = nullptr;
        for (const YamlEntry& entry : root.entries) {
            if (entry.key->text != "include") {
                continue;
            }
            if (first != nullptr) {
                fail({entry.key.get(), "include"},
                     "stands twice; the first is in " + reading_.place_of(*entry.key, *first));
                continue;
            }
            first = entry.key.get();
            if (entry.value->kind == YamlNode::Kind::null) {
                fail({entry.key.get(), "include"}, "has no value");
                continue;
            }
            for (const Setting& item : read_list({entry.value.get(), "include"})) {
                if (!is_full_) {
                    read_pattern(item);
                }
            }
        }
    }

    void read_pattern(const Setting& at) {
        if (!reading_.options().may_read_files) {
            fail(at, "names a file, but no other file is read here");
            return;
        }
        if (++patterns_ > kMaxPolicyFiles) {
            is_full_ = true;
            fail(at, "is the 1,001st pattern of the policy; 1,000 may stand in it");
            return;
        }
        if (open_.size() > kMaxIncludeDepth) {
            fail(at, "goes deeper than 8 files that include each other");
            return;
        }
        if (at.node->kind != YamlNode::Kind::scalar) {
            fail(at,
                 at.node->kind == YamlNode::Kind::null ? "has no value" : "must be a single value");
            return;
        }
        const auto pattern = reading_.expand(at.node->text);
        if (!pattern) {
            fail(at, pattern.error());
            return;
        }
        if (!pattern->is_known) {
            reading_.warning(at, "has an unknown reference; what it includes is left out");
            return;
        }
        auto paths = included_paths(directory_of(reading_.path_of(at.node->file)), pattern->text,
                                    entries_left_);
        if (!paths) {
            fail(at, paths.error());
            return;
        }
        sources_.directories.insert(sources_.directories.end(), paths->directories.begin(),
                                    paths->directories.end());
        for (const std::string& path : paths->files) {
            if (!is_full_) {
                read_included(path, at);
            }
        }
    }

    void read_included(const std::string& path, const Setting& at) {
        if (++files_ > kMaxPolicyFiles) {
            is_full_ = true;
            fail(at, "makes the policy more than 1,000 files");
            return;
        }
        sources_.files.push_back(path);
        auto file = read_file(path, kMaxYamlBytes);
        if (!file) {
            fail(at, "names " + path + ", which " + file.error());
            return;
        }
        total_bytes_ += file->text.size();
        if (total_bytes_ > kMaxPolicyBytes) {
            is_full_ = true;
            fail(at, "makes the policy's files larger than 32 MiB together");
            return;
        }
        if (is_new(*file, path, at)) {
            const std::uint16_t number = reading_.add_file(path, std::move(file->text));
            open_.push_back(file->identity);
            read_root(number, file->others_may_read);
            open_.pop_back();
        }
    }

    /// False, and reported, for a file that is part of the policy already.
    bool is_new(const FileText& file, const std::string& path, const Setting& at) {
        const auto [first, is_first] = seen_.emplace(file.identity, at.node);
        if (is_first) {
            return true;
        }
        if (std::ranges::find(open_, file.identity) != open_.end()) {
            fail(at, "names " + path + ", so that a file includes itself");
        } else {
            fail(at, "names " + path + " a second time; the first is in " +
                         reading_.place_of(*at.node, *first->second));
        }
        return false;
    }

    void fail(const Setting& at, std::string_view what) {
        is_complete_ = false;
        reading_.error(at, what);
    }
    void fail_at(const YamlNode& at, std::string_view message, const std::string& hint = {}) {
        is_complete_ = false;
        reading_.error_at(at, message, hint);
    }

    Reading& reading_;
    PolicySources& sources_;
    std::vector<YamlPtr> roots_;
    std::map<FileIdentity, const YamlNode*> seen_;  // with the `include` that named it first
    std::vector<FileIdentity> open_;                // the files that include each other now
    YamlFile yaml_;
    std::size_t files_ = 1;
    std::size_t patterns_ = 0;
    std::size_t total_bytes_ = 0;
    std::size_t entries_left_ = kMaxDirectoryEntries;
    bool is_full_ = false;  // no further file may be read
    bool is_complete_ = true;
};

}  // namespace

YamlPtr read_policy_tree(Reading& reading, const FileText& main, PolicySources& sources) {
    return PolicyTreeReader{reading, sources}.read(main);
}

}  // namespace headgate::policy
