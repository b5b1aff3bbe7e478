#include "policy/limits/limit_rules.h"

#include "policy/limits/accounts.h"

#include <algorithm>
#include <mutex>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace headgate::policy {

namespace {

/// What the names and labels of a scope's buckets begin with.
struct Prefixes {
    std::string name;
    std::string label;
};

Prefixes prefixes_of(const ScopeRules& scope) {
    switch (scope.scope) {
        case Scope::organization:
            return {"o/", "organization/"};
        case Scope::project:
            return {"p/" + scope.id + "/", scope.id + "/"};
        case Scope::key:
            break;
    }
    const std::string path = scope.id + "/" + scope.key + "/";
    return {"k/" + path, path};
}

/// Resolves the entries of one scope. The scope's account is locked as long as it lives.
class EntryResolver {
public:
    explicit EntryResolver(ScopeRules& scope)
        : scope_{scope}, prefixes_{prefixes_of(scope)}, lock_{scope.account->mutex()} {}

    void add(const LimitEntry& entry) {
        EntryRules rules{.models = entry.models, .buckets = {}};
        for (const LimitKind kind : kAllLimitKinds) {
            if (entry.amount(kind) > 0) {
                rules.buckets.push_back(bucket_of(entry, kind));
            }
        }
        if (!rules.buckets.empty()) {
            scope_.entries.push_back(std::move(rules));
        }
    }

private:
    BucketRule bucket_of(const LimitEntry& entry, LimitKind kind) {
        const std::string models = entry.label();
        const std::string ending = "/" + std::string(to_string(kind));
        // Entries with the same globs are buckets of their own (one in shadow beside one in force).
        std::string name = prefixes_.name + models + ending;
        for (int nth = 2; !names_.insert(name).second; ++nth) {
            name = prefixes_.name + models;
            name += "#" + std::to_string(nth) + ending;
        }
        BucketCell& cell = scope_.account->cell(name);
        return {.kind = kind,
                .limit = entry.amount(kind),
                .mode = entry.mode,
                .scope = scope_.scope,
                .name = std::move(name),
                .label = prefixes_.label + models + ending,
                .models = models,
                .cell = &cell};
    }

    ScopeRules& scope_;
    Prefixes prefixes_;
    std::lock_guard<std::mutex> lock_;
    std::unordered_set<std::string> names_;
};

void resolve_entries(ScopeRules& scope, const std::vector<LimitEntry>& limits) {
    EntryResolver resolver{scope};
    for (const LimitEntry& entry : limits) {
        resolver.add(entry);
    }
}

const BudgetSettings* address_of(const std::optional<BudgetSettings>& budget) {
    return budget ? &*budget : nullptr;
}

/// Keys that have limits, by project and name: the ring itself has no order.
std::vector<const Key*> limited_keys(const KeyRing& ring) {
    std::vector<const Key*> keys;
    for (const auto& [digest, key] : ring.all()) {
        if (!key.limits.empty()) {
            keys.push_back(&key);
        }
    }
    std::ranges::sort(keys, {}, [](const Key* key) {
        return std::tuple<std::string_view, std::string_view>{key->project->id, key->name};
    });
    return keys;
}

}  // namespace

std::string_view to_string(Scope scope) {
    switch (scope) {
        case Scope::organization:
            return "organization";
        case Scope::project:
            return "project";
        case Scope::key:
            break;
    }
    return "key";
}

bool EntryRules::matches(std::string_view model) const {
    return std::ranges::any_of(models, [model](const std::string& glob) {
        return glob == "*" || providers::glob_matches(glob, model);
    });
}

LimitBook::LimitBook(const Snapshot& snapshot, Accounts& accounts) {
    organization_.scope = Scope::organization;
    organization_.budget = address_of(snapshot.organization.budget);
    organization_.account = accounts.of("");
    resolve_entries(organization_, snapshot.organization.limits);

    for (const std::unique_ptr<Project>& project : snapshot.projects) {
        auto rules = std::make_unique<ScopeRules>();
        rules->scope = Scope::project;
        rules->id = project->id;
        rules->budget = address_of(project->budget);
        rules->account = accounts.of(project->id);
        rules->organization_account = organization_.account;
        resolve_entries(*rules, project->limits);
        by_project_.emplace(project.get(), rules.get());
        projects_.push_back(std::move(rules));
    }
    for (const Key* key : limited_keys(snapshot.keys)) {
        auto rules = std::make_unique<ScopeRules>();
        rules->scope = Scope::key;
        rules->id = key->project->id;
        rules->key = key->name;
        rules->account = accounts.of(key->project->id);
        rules->organization_account = organization_.account;
        resolve_entries(*rules, key->limits);
        by_key_.emplace(key, rules.get());
        keys_.push_back(std::move(rules));
    }
}

LimitBook::Rules LimitBook::rules_for(const Project& project, const Key* key) const {
    Rules rules{.project = by_project_.at(&project)};
    if (!organization_.is_empty()) {
        rules.organization = &organization_;
    }
    const auto known = by_key_.find(key);
    if (known != by_key_.end() && !known->second->is_empty()) {
        rules.key = known->second;
    }
    return rules;
}

}  // namespace headgate::policy
