#include "tests/conformance/records/record_store_suite.h"

#include "policy/ledger/record_columns.h"

#include <rapidjson/document.h>

namespace headgate::policy {
namespace {

/// As the gateway makes them: "req_", ten digits of milliseconds, 16 more; Crockford's base 32.
std::string id_of(providers::WallTime time, std::uint64_t rest) {
    constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
    std::string id(30, '0');
    id.replace(0, 4, "req_");
    auto ms = static_cast<std::uint64_t>(to_ms(time));
    for (std::size_t at = 13; at >= 4; --at, ms /= 32) {
        id[at] = kDigits[ms % 32];
    }
    for (std::size_t at = 29; at >= 14; --at, rest /= 32) {
        id[at] = kDigits[rest % 32];
    }
    return id;
}

}  // namespace

TestRow::TestRow(int minute, std::string_view project) {
    row.time = kFirstDay + std::chrono::minutes{minute};
    id = id_of(row.time, std::hash<std::string_view>{}(project));
    row.project = project;
    row.key = "till";
    row.endpoint = "chat";
    row.route = "default";
    row.provider = "openai";
    row.model = "gpt-5";
    row.requested_model = "gpt-5";
    row.status = 200;
    row.outcome = Outcome::complete;
    row.usage.input = {100};
    row.usage.cached_input = {10};
    row.usage.output = {20};
    row.cost = providers::Money::nanos(7);
    row.price = "catalogue";
    row.attempts = {{.provider = "openai", .model = "gpt-5", .status = 200, .reason = "ok"}};
}

std::vector<LedgerRow> rows_of(const std::vector<TestRow>& tests) {
    std::vector<LedgerRow> rows;
    for (const TestRow& test : tests) {
        rows.push_back(test.row);
        rows.back().id = test.id;
    }
    return rows;
}

void RecordStoreSuite::SetUp() {
    database_ = GetParam().create();
    if (database_ == nullptr) {
        GTEST_SKIP() << "no " << GetParam().name << " on this machine";
    }
    store_ = connect();
    ASSERT_NE(store_, nullptr);
}

void RecordStoreSuite::append(RecordStore& store,
                              const std::vector<LedgerRow>& rows,
                              std::string_view instance) {
    Stored<void> appended = store.append(rows, instance);
    while (!appended && appended.error().kind == StoreError::Kind::away) {
        appended = store.append(rows, instance);
    }
    ASSERT_TRUE(appended) << appended.error().text;
}

std::vector<std::string> RecordStoreSuite::ids_by_page(RecordStore& store, LedgerQuery query) {
    std::vector<std::string> ids;
    do {
        const Stored<LedgerPage> page = store.page(query);
        if (!page) {
            ADD_FAILURE() << page.error().text;
            return ids;
        }
        EXPECT_LE(page->rows.size(), query.limit);
        for (const std::string& row : page->rows) {
            ids.push_back(text_field(row, "id"));
        }
        query.after = page->next;
    } while (!query.after.empty());
    return ids;
}

std::vector<UsageSum> RecordStoreSuite::usage_by(RecordStore& store, std::vector<UsageBy> by) {
    UsageQuery query;
    query.by = std::move(by);
    Stored<std::vector<UsageSum>> sums = store.usage(query);
    if (!sums) {
        ADD_FAILURE() << sums.error().text;
        return {};
    }
    return std::move(*sums);
}

std::string text_field(std::string_view json, std::string_view name) {
    rapidjson::Document document;
    document.Parse(json.data(), json.size());
    const std::string key{name};
    if (!document.IsObject() || !document.HasMember(key.c_str()) ||
        !document[key.c_str()].IsString()) {
        ADD_FAILURE() << "no text " << name << " in " << json;
        return {};
    }
    const rapidjson::Value& value = document[key.c_str()];
    return {value.GetString(), value.GetStringLength()};
}

}  // namespace headgate::policy
