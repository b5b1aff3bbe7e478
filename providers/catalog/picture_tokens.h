#pragma once

#include "providers/base/tokens.h"

#include <optional>
#include <string_view>

namespace headgate::providers {

/// Output tokens that one picture of images/generations takes at most; `size` ("1024x1536") and
/// `quality` ("low", "medium", "high") as asked. Where one is "auto", absent or no word that the
/// model's documents know, the dearest is taken; for a model whose tokens are not documented the
/// dearest of all that are. nullopt for the qualities "xhigh" and "max", whose tokens nobody tells.
///
/// Source: OpenAI's guide "Image generation", sections on output tokens and "Calculating costs".
/// Up to gpt-image-1.5 it has a table. That of gpt-image-1-mini does not agree with the prices
/// beside it: its tokens here are those prices, divided by the price of a token. For gpt-image-2,
/// which takes any size, the guide has a calculator; with f = 16, 48, 96 by quality, and each
/// step rounded as there, it tells f × (f × short edge ÷ long edge) × (2,000,000 + pixels) ÷
/// 4,000,000.
std::optional<Tokens> picture_tokens(std::string_view model,
                                     std::string_view size,
                                     std::string_view quality);

/// What each partial picture of a stream takes besides (same guide, "Partial images cost").
inline constexpr Tokens kPartialPictureTokens{100};

}  // namespace headgate::providers
