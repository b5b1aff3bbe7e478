#include "policy/store/redis/untold_money.h"

namespace headgate::policy {

std::shared_ptr<UntoldMoney::Amount> UntoldMoney::of(std::string_view scope, Day day) {
    const std::lock_guard lock{mutex_};
    prune();
    std::shared_ptr<Amount>& found = amounts_[{std::string(scope), day}];
    if (found == nullptr) {
        found = std::make_shared<Amount>(0);
    }
    return found;
}

std::int64_t UntoldMoney::amount(std::string_view scope, Day day) const {
    const std::lock_guard lock{mutex_};
    const auto found = amounts_.find({std::string(scope), day});
    return found == amounts_.end() ? 0 : found->second->load();
}

void UntoldMoney::prune() {
    if (amounts_.size() < prune_at_) {
        return;
    }
    std::erase_if(amounts_, [](const auto& entry) {
        return entry.second.use_count() == 1 && entry.second->load() == 0;
    });
    prune_at_ = 2 * amounts_.size() + 1024;
}

}  // namespace headgate::policy
