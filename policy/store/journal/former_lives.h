#pragma once

#include "policy/store/journal/journal.h"
#include "policy/store/journal/locked_file.h"
#include "policy/store/journal/replay.h"

#include <expected>
#include <string>
#include <vector>

namespace headgate::policy::journal {

/// The files of a directory as a process finds them when it starts.
struct FormerLives {
    LockedFile own;
    FileContent content;             // of the own file, but for the rows: `replay` has them
    std::vector<LockedFile> others;  // of processes that have ended; may go once all is stored
};

/// Locks the own file, reads it and those of ended processes into `replay`. The error is one line.
std::expected<FormerLives, std::string> find_former_lives(const std::string& directory,
                                                          JournalReplay& replay);

}  // namespace headgate::policy::journal
