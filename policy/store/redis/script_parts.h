#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace headgate::policy {

/// `counters`, pack_epoch(), has_all_reports(), extend_days(): what several scripts begin with.
extern const std::string_view kEpochParts;
/// dissolve(): ends what an instance holds. After kEpochParts.
extern const std::string_view kDissolvePart;

/// The end of the limits script: decides the admissions, writes what has changed, replies. Goes on
/// with the locals of what stands before it in limits_script.cpp.
extern const std::string_view kAdmitPart;
extern const std::string_view kWritePart;

std::string joined(std::initializer_list<std::string_view> parts);

}  // namespace headgate::policy
