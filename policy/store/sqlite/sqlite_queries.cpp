#include "policy/store/sqlite/sqlite_queries.h"

namespace headgate::policy {

const std::array<std::string_view, kSqliteQueries> kSqliteTexts{
    // insert_row
    R"(INSERT INTO ledger(id, time_ms, day, project, key, endpoint, route, provider, model,
           requested_model, status, outcome, input_tokens, cached_input_tokens, output_tokens,
           images, cost_nanos, count, tags, detail)
       VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(id) DO NOTHING)",
    // add_to_day
    R"(INSERT INTO day_sums(day, project, instance, spent_nanos) VALUES(?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET spent_nanos = spent_nanos + excluded.spent_nanos)",
    // find_row
    "SELECT detail FROM ledger WHERE id = ?",
    // time_of_row
    "SELECT time_ms FROM ledger WHERE id = ?",
    // page_of_all
    R"(SELECT id, detail FROM ledger
       WHERE time_ms >= ? AND time_ms < ? AND (time_ms, id) > (?, ?)
       ORDER BY time_ms, id LIMIT ?)",
    // page_of_project
    R"(SELECT id, detail FROM ledger
       WHERE time_ms >= ? AND time_ms < ? AND (time_ms, id) > (?, ?) AND project = ?
       ORDER BY time_ms, id LIMIT ?)",
    // usage_of_rows
    R"(SELECT project, model, key, provider, count, input_tokens, cached_input_tokens,
           output_tokens, images, cost_nanos, tags
       FROM ledger WHERE time_ms >= ? AND time_ms < ?)",
    // usage_of_days
    R"(SELECT project, model, key, provider, requests, input_tokens, cached_input_tokens,
           output_tokens, images, cost_nanos, ''
       FROM usage_daily WHERE day >= ? AND day < ?)",
    // day_sums
    "SELECT project, day, instance, spent_nanos FROM day_sums WHERE day >= ?",
    // roll_up: of the oldest rows, the same that delete_oldest takes
    R"(INSERT INTO usage_daily
       SELECT day, project, model, key, provider, sum(count), sum(input_tokens),
           sum(cached_input_tokens), sum(output_tokens), sum(images), sum(cost_nanos)
       FROM (SELECT * FROM ledger WHERE time_ms < ? ORDER BY time_ms, id LIMIT ?)
       WHERE true
       GROUP BY day, project, model, key, provider
       ON CONFLICT DO UPDATE SET
           requests = requests + excluded.requests,
           input_tokens = input_tokens + excluded.input_tokens,
           cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
           output_tokens = output_tokens + excluded.output_tokens,
           images = images + excluded.images,
           cost_nanos = cost_nanos + excluded.cost_nanos)",
    // delete_oldest
    R"(DELETE FROM ledger WHERE seq IN
       (SELECT seq FROM ledger WHERE time_ms < ? ORDER BY time_ms, id LIMIT ?))",
    // insert_key
    R"(INSERT INTO keys(digest, project, name, prefix, created_ms, expires_ms, revoked_ms)
       VALUES(?, ?, ?, ?, ?, ?, ?))",
    // keys
    R"(SELECT digest, project, name, prefix, created_ms, expires_ms, revoked_ms FROM keys
       ORDER BY project, name, created_ms)",
    // revoke_key
    "UPDATE keys SET revoked_ms = ? WHERE project = ? AND name = ? AND revoked_ms IS NULL",
    // note_use
    R"(INSERT INTO key_uses(digest, last_used_ms) VALUES(?, ?)
       ON CONFLICT DO UPDATE SET last_used_ms = max(last_used_ms, excluded.last_used_ms))",
    // uses
    "SELECT digest, last_used_ms FROM key_uses",
    // insert_audit
    "INSERT INTO audit(time_ms, actor, action, detail) VALUES(?, ?, ?, ?)",
    // latest_audit
    "SELECT time_ms, actor, action, detail FROM audit ORDER BY seq DESC LIMIT ?",
    // claim_alert
    "INSERT INTO alerts(scope, period, threshold) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
};

}  // namespace headgate::policy
