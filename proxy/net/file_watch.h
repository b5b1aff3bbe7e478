#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace headgate::proxy {

/// Tells when one of several files may have changed, whichever way it was written: in place, by a
/// rename (editors), by a swap of a symbolic link on the path to it (Kubernetes' `..data`).
///
/// inotify(7) on the directories, not the files: those of each file and of each link that leads to
/// it. So it may tell of a change where there is none; who reads the files finds that out. Not
/// thread-safe.
class FileWatch {
public:
    FileWatch();
    ~FileWatch();
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

    /// Watches these and no others. What cannot be watched (a directory that does not exist) is
    /// left out; the nearest one above it that exists is watched instead.
    void watch(const std::vector<std::string>& files, const std::vector<std::string>& directories);

    /// For poll(2): readable when something has happened. -1 where the system has no inotify left.
    int fd() const { return fd_; }

    /// Takes what has happened. True where it may concern a watched file.
    bool take_changes();

private:
    /// Which names in a directory are of interest; empty: all.
    using Names = std::set<std::string, std::less<>>;

    void add(const std::string& directory, const std::string& name);
    void add_links_to(const std::string& file);

    int fd_ = -1;
    std::map<int, Names> watches_;  // by watch descriptor
};

}  // namespace headgate::proxy
