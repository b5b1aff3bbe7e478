#include "policy/explain/policy_tests.h"

#include "policy/config/file_text.h"
#include "policy/config/map_reader.h"
#include "policy/explain/expect_section.h"
#include "policy/explain/given_section.h"

namespace headgate::policy {
namespace {

constexpr KnownName kRootNames[] = {{"tests"}};
constexpr KnownName kTestNames[] = {{"name"}, {"given"}, {"expect"}};

Parsed<std::string> parse_name(std::string_view text) {
    if (text.empty()) {
        return std::unexpected(std::string("must not be empty"));
    }
    return parse_text(text);
}

PolicyTest read_test(Reading& reading, const Setting& setting, const Snapshot& snapshot) {
    PolicyTest test;
    test.line = setting.node->line;
    const MapReader map{reading, setting, kTestNames};
    map.require("name", "name: what the policy does");
    map.read("name", parse_name, test.name);
    map.require("given", "given: {project: NAME, model: gpt-5}");
    if (const std::optional<Setting> given = map.find("given")) {
        test.given = read_given(reading, *given, snapshot);
    }
    map.require("expect", "expect: {status: 200}");
    const std::optional<Setting> expect = map.find("expect");
    if (!expect) {
        return test;
    }
    test.expect = read_expect(reading, *expect, snapshot);
    if (test.expect.cost_usd && !test.given.usage) {
        reading.error(*expect, "has a `cost_usd`, which needs a `usage` under `given`");
    }
    return test;
}

void read_tests(Reading& reading, const Setting& list, const Snapshot& snapshot, PolicyTests& out) {
    if (list.node->kind != YamlNode::Kind::sequence || list.node->items.empty()) {
        reading.error(list, "must be a list of at least one test (`- name: …`)");
        return;
    }
    std::map<std::string, int, std::less<>> lines;
    for (std::size_t i = 0; i < list.node->items.size(); ++i) {
        const Setting setting = list.item(i);
        PolicyTest test = read_test(reading, setting, snapshot);
        const auto [first, is_new] = lines.emplace(test.name, test.line);
        if (!is_new && !test.name.empty()) {
            reading.error(setting, "has the name of the test in line " +
                                       std::to_string(first->second) + ": \"" + test.name + "\"");
        }
        out.tests.push_back(std::move(test));
    }
}

void read_root(Reading& reading, const YamlNode& node, const Snapshot& snapshot, PolicyTests& out) {
    if (node.kind == YamlNode::Kind::null) {
        reading.error_at(0, 0, "the file is empty; policy tests stand in a list under `tests`");
        return;
    }
    if (node.kind != YamlNode::Kind::map) {
        reading.error_at(node.line, node.column, "policy tests stand in a list under `tests`");
        return;
    }
    const MapReader root{reading, Setting{&node, {}}, kRootNames};
    if (!root.has("tests")) {
        reading.error_at(0, 0, "the file has no `tests`, so that it tests nothing");
    }
    if (const std::optional<Setting> tests = root.find("tests")) {
        read_tests(reading, *tests, snapshot, out);
    }
}

}  // namespace

PolicyTests load_policy_tests(const std::string& path, const Snapshot& snapshot) {
    PolicyTests out;
    const LoadOptions options;
    auto text = read_file_text(path, kMaxYamlBytes);
    Reading reading{path, SourceText{text ? std::move(*text) : std::string{}}, options};
    if (!text) {
        reading.error_at(0, 0, "the file " + text.error());
    } else if (const auto root = parse_yaml(reading.source().text())) {
        read_root(reading, **root, snapshot, out);
    } else {
        reading.error_at(root.error().line, root.error().column, root.error().message);
    }
    if (reading.has_errors()) {
        out.tests.clear();
    }
    out.problems = reading.take_problems();
    return out;
}

}  // namespace headgate::policy
