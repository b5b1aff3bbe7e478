#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace headgate::providers {

/// A credential. It has no stream operator and no implicit conversion, so that it cannot reach a
/// log, a metric or an error by accident: whoever wants the text says reveal().
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_{std::move(text)} {}

    std::string_view reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

private:
    std::string text_;
};

}  // namespace headgate::providers
