#pragma once

#include "policy/config/yaml_tree.h"

namespace headgate::policy {

/// A copy of the policy `tree` in which no literal secret is left:
///
/// 1. The value of a setting or provider header whose name asks for a secret becomes `<redacted>`,
///    wherever else the file repeats it by an alias too. Digests of keys are no secrets.
/// 2. A reference stays as written, but for its default: `${KEY:-<redacted>}`. So does text around
///    references, unless it holds a run of 16 characters or more, which could be the key itself.
/// 3. The user and password of a URL become `<redacted>`, and so do parameters that ask for a
///    secret. So does a header of any name whose value begins as a key or a credential does.
///
/// Of a name that stands twice in a map only the first is kept.
YamlPtr without_secrets(const YamlNode& tree);

}  // namespace headgate::policy
