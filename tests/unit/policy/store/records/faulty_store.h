#pragma once

#include "policy/ledger/record_store.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace headgate::policy {

/// What goes wrong with a FaultyStore, and what it was asked. Shared by all of them; any thread.
class Faults {
public:
    void set_away(int opens, int appends) {
        const std::lock_guard lock{mutex_};
        failing_opens_ = opens;
        failing_appends_ = appends;
    }
    void refuse(std::string id) {
        const std::lock_guard lock{mutex_};
        refused_.insert(std::move(id));
    }
    /// Called at the begin of each append, with no lock held.
    std::function<void()> on_append;
    std::atomic<int> roll_ups = 0;

    std::optional<StoreError> open() {
        const std::lock_guard lock{mutex_};
        return take_one(failing_opens_);
    }
    std::optional<StoreError> append(std::span<const LedgerRow> rows) {
        if (on_append) {
            on_append();
        }
        const std::lock_guard lock{mutex_};
        batches_.push_back(rows.size());
        for (const LedgerRow& row : rows) {
            if (refused_.contains(std::string(row.id))) {
                return StoreError{StoreError::Kind::refused, "no such row here"};
            }
        }
        return take_one(failing_appends_);
    }
    std::vector<std::size_t> batches() const {
        const std::lock_guard lock{mutex_};
        return batches_;
    }

private:
    static std::optional<StoreError> take_one(int& left) {
        if (left == 0) {
            return std::nullopt;
        }
        --left;
        return StoreError{StoreError::Kind::away, "out for lunch"};
    }

    mutable std::mutex mutex_;
    int failing_opens_ = 0;
    int failing_appends_ = 0;
    std::set<std::string> refused_;
    std::vector<std::size_t> batches_;
};

/// A real store that fails as its Faults say.
class FaultyStore : public RecordStore {
public:
    FaultyStore(std::unique_ptr<RecordStore> real, std::shared_ptr<Faults> faults)
        : real_{std::move(real)}, faults_{std::move(faults)} {}

    Stored<void> append(std::span<const LedgerRow> rows, std::string_view instance) override {
        if (std::optional<StoreError> error = faults_->append(rows)) {
            return std::unexpected(std::move(*error));
        }
        return real_->append(rows, instance);
    }
    Stored<std::optional<std::string>> find_row(std::string_view id) override {
        return real_->find_row(id);
    }
    Stored<LedgerPage> page(const LedgerQuery& query) override { return real_->page(query); }
    Stored<std::vector<UsageSum>> usage(const UsageQuery& query) override {
        return real_->usage(query);
    }
    Stored<std::vector<DaySum>> day_sums(Day from) override { return real_->day_sums(from); }
    Stored<void> add_key(const StoredKey& key) override { return real_->add_key(key); }
    Stored<std::vector<StoredKey>> keys() override { return real_->keys(); }
    Stored<bool> revoke_key(std::string_view project,
                            std::string_view name,
                            providers::WallTime when) override {
        return real_->revoke_key(project, name, when);
    }
    Stored<void> note_uses(std::span<const KeyUse> uses) override { return real_->note_uses(uses); }
    Stored<std::vector<KeyUse>> uses() override { return real_->uses(); }
    Stored<void> add_audit(const AuditEntry& entry) override { return real_->add_audit(entry); }
    Stored<std::vector<AuditEntry>> audit(std::size_t latest) override {
        return real_->audit(latest);
    }
    Stored<bool> claim_alert(std::string_view scope,
                             std::string_view period,
                             int threshold) override {
        return real_->claim_alert(scope, period, threshold);
    }
    Stored<std::size_t> roll_up(providers::WallTime before, std::size_t most) override {
        Stored<std::size_t> rolled = real_->roll_up(before, most);
        ++faults_->roll_ups;
        return rolled;
    }

private:
    std::unique_ptr<RecordStore> real_;
    std::shared_ptr<Faults> faults_;
};

}  // namespace headgate::policy
