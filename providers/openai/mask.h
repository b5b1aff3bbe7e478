#pragma once

#include <string>
#include <string_view>

namespace headgate::providers::openai {

/// `text` with what would tell about the operator's account replaced: `org-***` for ids of
/// organizations, `proj_***` of projects, `sk-***`, `hg-***` and the like for anything that looks
/// like a key, `***.openai.azure.com` for the host of an Azure resource. All other bytes stay.
/// Works on plain text and on JSON alike.
///
/// A word is taken for an id where its prefix begins a word, enough characters follow, and those
/// of an organization's id are not just a lower-case word: "org-wide" and "risk-free" stay.
std::string mask_identifiers(std::string_view text);

}  // namespace headgate::providers::openai
