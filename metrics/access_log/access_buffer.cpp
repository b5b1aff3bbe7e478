#include "metrics/access_log/access_log.h"
#include "policy/ledger/row_json.h"

#include <algorithm>

namespace headgate::metrics {
namespace {

constexpr std::size_t kUsualLine = 4'096;  // room for the line that fills a batch

std::uint64_t count_lines(std::string_view lines) {
    return static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
}

}  // namespace

AccessBuffer::AccessBuffer(std::shared_ptr<AccessLog> log) : log_{std::move(log)} {
    if (log_->is_on()) {
        lines_.reserve(kBatchBytes + kUsualLine);
    }
}

AccessBuffer::~AccessBuffer() {
    flush();
}

void AccessBuffer::write_to(std::shared_ptr<AccessLog> log) {
    flush();
    log_ = std::move(log);
    is_sink_full_ = false;
    if (!log_->is_on()) {
        dropped_ += count_lines(lines_);
        lines_.clear();
    }
}

void AccessBuffer::append(const policy::LedgerRow& row) {
    if (!log_->is_on()) {
        return;
    }
    if (lines_.size() >= kMaxHeldBytes) {
        ++dropped_;
        return;
    }
    policy::append_access_json(lines_, row);
    lines_ += '\n';
    if (lines_.size() >= kBatchBytes && !is_sink_full_) {
        flush();
    }
}

void AccessBuffer::flush_if_due(providers::SteadyTime now) {
    if (lines_.empty()) {
        waits_since_.reset();
    } else if (!waits_since_) {
        waits_since_ = now;
    } else if (now - *waits_since_ >= kMaxWait) {
        flush();
    }
}

void AccessBuffer::flush() {
    waits_since_.reset();
    if (lines_.empty()) {
        return;
    }
    const AccessLog::Written written = log_->write(lines_);
    lines_.erase(0, written.taken);
    is_sink_full_ = !lines_.empty() && !written.has_failed;
    if (written.has_failed) {
        dropped_ += count_lines(lines_);
        lines_.clear();
    }
}

}  // namespace headgate::metrics
