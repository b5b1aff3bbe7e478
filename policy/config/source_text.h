#pragma once

#include "policy/config/yaml_tree.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::policy {

/// The words of the literal secrets of a policy, whichever of its files they stand in.
class SecretWords {
public:
    /// Remembers every literal secret below `root`.
    void learn(const YamlNode& root);

    bool contains(std::string_view word) const { return words_.contains(word); }

private:
    void learn_secret(const YamlNode& value);

    std::set<std::string, std::less<>> words_;
};

/// The lines of a policy file as they may be shown to people: never with a secret.
///
/// 1. What stands behind a name that asks for a secret (`api_key`, `key`, `sha256` and what looks
///    like them, misspelled names included) is redacted up to the end of the line, unless it is
///    nothing but a reference such as `${NAME}` or `${file:PATH}`.
/// 2. Lines that continue such a value are redacted whole.
/// 3. The words of secrets that learn() found in the parsed files are redacted wherever they stand.
/// 4. Words that begin like a provider's or our own key or look random, and user names, passwords
///    and queries of URLs, are redacted everywhere. Those of stores are also where the URL is
///    broken.
class SourceText {
public:
    /// `words`: those of the policy's other files; empty where it is alone.
    explicit SourceText(std::string text, std::shared_ptr<SecretWords> words = {});

    const std::string& text() const { return text_; }

    /// Remembers every literal secret below `root`, for rule 3 in all files that share the words.
    void learn(const YamlNode& root) { words_->learn(root); }
    const std::shared_ptr<SecretWords>& words() const { return words_; }

    /// Line `number` (from 1), at most 160 bytes of it, fit for a terminal; empty where there is
    /// no such line.
    std::string line(int number) const;

    /// `text` by rules 3 and 4, without control characters: for messages.
    std::string redacted(std::string_view text) const;

private:
    std::string_view raw_line(std::size_t index) const;
    void find_lines() const;

    std::string text_;
    std::shared_ptr<SecretWords> words_;
    // Found when a line is first shown: most policies have no fault.
    mutable std::vector<std::size_t> line_begins_;
    mutable std::vector<bool> continues_secret_;  // a line, by rule 2
};

/// True where `value` is nothing but one reference such as `${NAME}`, without a default, which may
/// be a literal secret.
bool is_plain_reference(std::string_view value);

/// True for names whose value is a secret, or that look like a misspelling of one.
bool names_secret(std::string_view name);

}  // namespace headgate::policy
