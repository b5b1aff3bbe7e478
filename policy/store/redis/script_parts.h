#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace headgate::policy {

/// `counters`, holder(), pack_epoch(), has_all_reports(), extend_days(): what all scripts begin
/// with.
extern const std::string_view kEpochParts;
/// contribute(): what an instance has spent of a day.
extern const std::string_view kContributePart;
/// dissolve(): ends what an instance holds. After the two above.
extern const std::string_view kDissolvePart;

/// The end of the limits script: decides the admissions, writes what has changed, replies. Goes on
/// with the locals of what stands before it in limits_script.cpp.
extern const std::string_view kAdmitPart;
extern const std::string_view kWritePart;

std::string joined(std::initializer_list<std::string_view> parts);

}  // namespace headgate::policy
