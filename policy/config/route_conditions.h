#pragma once

#include "policy/config/route_names.h"

namespace headgate::policy {

/// ">= 80%", "<50%", "= 0%": one of < <= = == >= > and a percentage of 0 to 100.
Parsed<Comparison> parse_budget_comparison(std::string_view text);

/// "<= 32k": the same with a count.
Parsed<Comparison> parse_count_comparison(std::string_view text);

/// Reads the `when` of a route. False where a project that it names is faulty (reported) or
/// unknown: without it the route would match what it must not.
bool read_conditions(Reading& reading, const Setting& block, RouteNames& names, Conditions& when);

/// True where all that meets `strict` meets `loose` too, as far as the two can be compared.
bool implies(const Conditions& strict, const Conditions& loose);

}  // namespace headgate::policy
