#pragma once

#include "policy/config/reading.h"

namespace headgate::policy {

/// Warns where a file that every user of the machine may read holds a secret in plain text: an
/// `api_key`, `key` or `secret` below `root` that is neither a reference nor `<redacted>`, or a URL
/// with a password. One warning a file, at the first.
void warn_of_plain_secrets(Reading& reading, const YamlNode& root);

}  // namespace headgate::policy
