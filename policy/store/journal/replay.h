#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace headgate::policy::journal {

/// What one journal's file holds. It may be anything: cut, empty, random, hostile.
struct FileContent {
    /// A block that must stay as it is until its rows are stored.
    struct KeptBlock {
        std::uint32_t index = 0;
        bool is_segment = false;
    };

    std::string instance;        // empty: the head is damaged, or there is none
    bool is_newer = false;       // of another version, and left alone
    bool is_unreadable = false;  // an I/O error; what could be read is here
    std::vector<std::string> settled;
    std::vector<std::string> open;
    std::size_t damaged = 0;
    std::vector<KeptBlock> kept;  // ascending
    std::uint32_t blocks = 0;     // in the file, the last may be cut
    std::uint64_t top_generation = 0;
};

/// Reads the file with pread: no length in it and no failing disk ends in a fault.
FileContent read_journal(int file);

}  // namespace headgate::policy::journal
