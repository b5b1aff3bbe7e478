"""`schema` and `show`: what editors, CI and people are told about a policy."""

import copy
import json

import jsonschema
import pytest
import yaml
from support.policy import CLIENT_KEY, policy, sha256
from support.process import ROOT, run

REFERENCE = ROOT / "tests/unit/policy/config/fixtures/reference_policy.yaml"
UNKNOWN = "is not a setting that Headgate knows"
KEY = {"name": "k", "sha256": sha256(CLIENT_KEY)}


class CoreLoader(yaml.SafeLoader):
    """Types scalars nearly as YAML 1.2 does: a date is text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


LOADERS = [CoreLoader, yaml.SafeLoader, yaml.BaseLoader]


@pytest.fixture(scope="module")
def schema():
    done = run("schema")
    assert done.returncode == 0
    assert done.stdout == json.dumps(json.loads(done.stdout), indent=2, ensure_ascii=False) + "\n"
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def problems(schema):
    """problems(policy): what the schema has against it, as texts."""
    validator = jsonschema.Draft202012Validator(schema)

    def told(value):
        best = [jsonschema.exceptions.best_match([error]) for error in validator.iter_errors(value)]
        return [f"{error.json_path}: {error.message}" for error in best]

    return told


@pytest.fixture(scope="module")
def reference():
    return yaml.load(REFERENCE.read_text(), Loader=CoreLoader)


def smallest():
    return {
        "providers": {"one": {"kind": "openai", "api_key": "${KEY}"}},
        "projects": {"p": {"keys": [dict(KEY)]}},
    }


def written(tmp_path, value, name="policy.yaml"):
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False))
    path.chmod(0o600)
    return path


def places(value, path=()):
    """The path of every node below, the policy itself first."""
    yield path, value
    if isinstance(value, (dict, list)):
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*path, name))


def changed(value, path, new):
    value = copy.deepcopy(value)
    node = value
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = new
    return value


def at(value, path):
    for name in path:
        value = value[name]
    return value


# --- schema -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.__name__)
def test_the_whole_reference_is_valid_however_scalars_are_typed(problems, loader):
    assert problems(yaml.load(REFERENCE.read_text(), Loader=loader)) == []


def test_small_policies_are_valid(problems):
    for text in (policy(upstream="127.0.0.1:9"), yaml.safe_dump(smallest()), "include: parts/*.yaml\n"):
        assert problems(yaml.load(text, Loader=CoreLoader)) == []


def test_every_scalar_may_be_a_reference(problems, reference):
    for path, value in places(reference):
        if not isinstance(value, (dict, list)):
            assert problems(changed(reference, path, "${NAME:-x}")) == [], path


def test_one_element_stands_for_a_list(problems, reference):
    for path, value in places(reference):
        if isinstance(value, list) and value:
            assert problems(changed(reference, path, value[0])) == [], path


def test_no_setting_may_have_another_shape(problems, reference):
    for path, value in places(reference):
        if path:
            assert problems(changed(reference, path, None)), path
            wrong = [["x"]] if isinstance(value, (dict, list)) else {"x": "y"}
            assert problems(changed(reference, path, wrong)), path


def test_a_made_up_name_is_refused_in_every_block(problems, reference):
    own_names = {"providers", "projects", "prices", "deployments", "headers", "header"}
    for path, value in places(reference):
        if isinstance(value, dict) and (not path or path[-1] not in own_names):
            told = problems(changed(reference, (*path, "made_up_name"), "x"))
            assert any("made_up_name" in each for each in told), path


WRONG = [
    ("providers", None, "providers"),
    ("projects", None, "projects"),
    ("providers", {}, "non-empty"),
    ("workers", 0, "minimum"),
    ("workers", "many", "match"),
    ("drain_delay", 5, "string"),
    ("drain_delay", "5 s", "match"),
    ("watch", "yes", "match"),
    ("listen", [], "non-empty"),
    ("listen", "8080", "match"),
    ("protect.max_json", "32 MiB", "match"),
    ("protect.max_headers", 257, "maximum"),
    ("protect.header_timeout", "0s", "match"),
    ("protect.trusted_proxies", ["10.0.0.1"], "match"),
    ("log.level", "loud", "loud"),
    ("providers.openai.kind", "opnai", "opnai"),
    ("providers.openai.kind", None, "kind"),
    ("providers.openai.api_key", None, "api_key"),
    ("providers.openai.api_version", "v1", "api_version"),
    ("providers.openai.token_file", "/run/token", "api_key"),
    ("providers.azure-eu.base_url", None, "base_url"),
    ("providers.azure-eu.base_url", "acme.openai.azure.com", "match"),
    ("providers.azure-eu.deployments", None, "deployments"),
    ("providers.azure-eu.deployments", {"gpt-*": "x"}, "match"),
    ("providers.azure-eu.organization", "o", "organization"),
    ("providers.azure-eu.price_multiplier", 1001, "maximum"),
    ("providers.local.base_url", None, "base_url"),
    ("providers.local.models", "llama 3", "match"),
    ("providers.local.forward_headers", ["cookie"], "cookie"),
    ("providers.local.headers", {"x team": "a"}, "match"),
    ("providers.rehearsal.base_url", "http://127.0.0.1/v1", "base_url"),
    ("providers.rehearsal.fail", [{"rate": 0.5}], "valid"),
    ("providers.rehearsal.fail", [{"status": 200}], "minimum"),
    ("providers.rehearsal.fail", [{"delay": "1s", "retry_after": "1s"}], "status"),
    ("routes", [], "non-empty"),
    ("routes.0.name", None, "name"),
    ("routes.0.model", "gpt 5", "match"),
    ("routes.0.targets", [], "non-empty"),
    ("routes.0.targets", [{"model": "gpt-5"}], "provider"),
    ("routes.0.targets", [{"provider": "openai", "model": "gpt-*"}], "match"),
    ("routes.0.targets", [{"provider": "openai", "weight": 0}], "minimum"),
    ("routes.0.strategy", "random", "random"),
    ("routes.0.when.budget_used", "80%", "match"),
    ("routes.0.when.input_tokens", "<= 80%", "match"),
    ("routes.0.when.endpoint", ["chats"], "chats"),
    ("routes.1.fallback_on", [429, 404], "404"),
    ("routes.1.fallback_on", [429, 429], "non-unique"),
    ("routes.1.fallback_on", ["reset"], "match"),
    ("routes.1.retry.attempts", 21, "maximum"),
    ("routes.1.timeouts.idle", "0s", "match"),
    ("routes.1.breaker.failures", 101, "maximum"),
    ("projects.search.keys", [{"name": "k"}], "key"),
    ("projects.search.keys", [{"name": "k", "key": "x", "sha256": "a" * 64}], "valid"),
    ("projects.search.keys", [{"name": "k", "sha256": "A" * 64}], "match"),
    ("projects.search.keys", [{"name": "k", "key": "x", "expires": "tomorrow"}], "match"),
    ("projects.search.budget.usd", "1.0000000001", "match"),
    ("projects.search.budget.usd", 0, "minimum"),
    ("projects.search.budget.alert_at", ["1001%"], "match"),
    ("projects.search.budget.alert_at", ["80%", "80%"], "non-unique"),
    ("projects.search.limits", [{"model": "gpt-5"}], "valid"),
    ("projects.search.limits", [{"rpm": 0}], "minimum"),
    ("projects.search.max_output", 2147483648, "maximum"),
    ("state.limits", "disk", "match"),
    ("state.records", "headgate.db", "match"),
    ("state.retention", "36h", "match"),
    ("state.replicas", 10001, "maximum"),
    ("alerts.webhook", "https://u:p@hooks.example.com/", "match"),
    ("prices", {"m": {"output": 1}}, "input"),
    ("prices", {"m": {"input": 1000001}}, "maximum"),
]


@pytest.mark.parametrize(("path", "value", "told"), WRONG)
def test_a_wrong_policy_is_not_valid_and_the_reason_is_told(problems, reference, path, value, told):
    names = [int(name) if name.isdigit() else name for name in path.split(".")]
    wrong = changed(reference, names, value)
    if value is None:
        del at(wrong, names[:-1])[names[-1]]

    assert any(told in each for each in problems(wrong)), problems(wrong)


# --- schema and loader --------------------------------------------------------------------------

# A block of the policy, its schema, what it must hold itself, and what must stand around it.
PROVIDER = ("providers", "one")
ROUTE = {"routes": [{"targets": [{}]}]}
BLOCKS = [
    ((), "", {"include": []}, {}),
    (("admin",), "admin", {}, {}),
    (("admin", "keys", 0), "admin_key", {}, {"admin": {"keys": [{}]}}),
    (("protect",), "protect", {}, {}),
    (("log",), "log", {}, {}),
    (("state",), "state", {}, {"state": {}}),
    (("alerts",), "alerts", {}, {"alerts": {}}),
    (("organization",), "organization", {}, {"organization": {}}),
    (("organization", "budget"), "budget", {}, {"organization": {"budget": {}}}),
    (("organization", "limits", 0), "limit", {}, {"organization": {"limits": [{}]}}),
    (("prices", "m"), "price", {}, {"prices": {"m": {}}}),
    (PROVIDER, "provider", {"kind": "openai"}, {}),
    (PROVIDER, "provider", {"kind": "azure"}, {}),
    (PROVIDER, "provider", {"kind": "simulator"}, {}),
    ((*PROVIDER, "tls"), "provider.tls", {}, {}),
    ((*PROVIDER, "fail", 0), "fault", {}, {"providers": {"one": {"kind": "simulator", "fail": [{}]}}}),
    (("projects", "p"), "project", {}, {}),
    (("projects", "p", "keys", 0), "key", {}, {}),
    (("routes", 0), "route", {}, ROUTE),
    (("routes", 0, "when"), "conditions", {}, ROUTE),
    (("routes", 0, "retry"), "retry", {}, ROUTE),
    (("routes", 0, "timeouts"), "timeouts", {}, ROUTE),
    (("routes", 0, "breaker"), "breaker", {}, ROUTE),
    (("routes", 0, "targets", 0), "target", {}, ROUTE),
]


def block_of(schema, name):
    if not name:
        return schema
    name, _, inner = name.partition(".")
    block = schema["$defs"][name]
    return block["properties"][inner] if inner else block


def block_id(block):
    path, name, inside, _ = block
    return "-".join([".".join(map(str, path)) or "root", name, *map(str, inside.values())])


@pytest.mark.parametrize(("path", "name", "inside", "around"), BLOCKS, ids=map(block_id, BLOCKS))
def test_the_loader_knows_what_the_schema_knows(schema, tmp_path, path, name, inside, around):
    names = list(block_of(schema, name)["properties"])
    assert len(names) > 1
    block = dict.fromkeys(names, "x") | inside
    whole = changed(smallest() | around, path, block) if path else block

    known = run("check", written(tmp_path, whole))
    whole = changed(whole, (*path, "made_up_name"), "x")
    made_up = run("check", written(tmp_path, whole))

    assert known.returncode == made_up.returncode == 1
    assert UNKNOWN not in known.stdout
    told = [line for line in made_up.stdout.splitlines() if UNKNOWN in line]
    assert len(told) == 1 and "made_up_name" in told[0], made_up.stdout


def test_the_loader_takes_every_choice_that_the_schema_lists(schema, tmp_path):
    def choices(block, setting):
        return block_of(schema, block)["properties"][setting]["anyOf"][0]["enum"]

    def listed(definition):
        return schema["$defs"][definition]["anyOf"][0]["enum"]

    route = {"model": "*", "targets": {"provider": "one"}, "when": {"endpoint": "chat"}}
    chosen = [(n, each) for n in ("strategy", "affinity", "on_client_gone") for each in choices("route", n)]
    whole = smallest()
    whole["providers"]["one"]["forward_headers"] = listed("forwarded_header")
    whole["projects"]["p"]["endpoints"] = listed("family")
    whole["routes"] = [
        route | {"name": f"{setting}-{value}", "model": f"{setting}-{value}", setting: value}
        for setting, value in chosen
    ]
    whole["routes"].append(route | {"name": "rest"})
    for level in choices("log", "level"):
        done = run("check", written(tmp_path, whole | {"log": {"level": level}}))

        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (("protect", "max_header_bytes"), "1e3"),
        (("workers",), "0"),
        (("routes",), []),
        (("admin", "listen"), "x"),
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(problems, tmp_path, setting, value):
    whole = smallest() | {"protect": {}, "admin": {}}
    whole = changed(whole, setting, value)

    assert problems(whole)
    assert run("check", written(tmp_path, whole)).returncode == 1


# --- show ---------------------------------------------------------------------------------------


def show(path, **options):
    done = run("show", "--config", path, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_show_writes_out_every_default_of_the_schema(schema, tmp_path):
    kinds = {
        "openai": {"api_key": "${KEY}"},
        "azure": {
            "api_key": "${KEY}",
            "base_url": "https://a.openai.azure.com",
            "api_version": "v1",
            "deployments": {"gpt-5": "d"},
        },
        "simulator": {},
    }
    whole = smallest()
    whole["providers"] = {name: {"kind": name, **more} for name, more in kinds.items()}
    whole["routes"] = {"name": "r", "model": "*", "targets": {"provider": "openai"}}
    shown = yaml.load(show(written(tmp_path, whole)), Loader=CoreLoader)

    def compare(block, properties, allowed=None):
        for name, rule in properties.items():
            later = rule.get("description", "").endswith("Not supported yet.")
            works = not later or name in ("bodies", "wire")  # some of whose choices work
            if "default" in rule and works and (allowed is None or name in allowed):
                assert block[name] == rule["default"], name

    definitions = schema["$defs"]
    compare(shown, schema["properties"])
    for name in ("admin", "state", "protect", "log"):
        compare(shown[name], definitions[name]["properties"])
    rules = {"openai": "openai_rules", "azure": "azure_rules", "simulator": "simulator_rules"}
    for kind, rule in rules.items():
        allowed = set(definitions[rule]["propertyNames"]["enum"])
        compare(shown["providers"][kind], definitions["provider"]["properties"], allowed)
    compare(shown["projects"]["p"], definitions["project"]["properties"] | {"keys": {"default": [KEY]}})
    compare(shown["routes"][0], definitions["route"]["properties"])
    for name in ("retry", "timeouts", "breaker"):
        compare(shown["routes"][0][name], definitions[name]["properties"])


def test_show_is_valid_and_shows_itself(problems, tmp_path):
    whole = yaml.load(policy(upstream="127.0.0.1:9"), Loader=CoreLoader)
    once = show(written(tmp_path, whole))

    path = written(tmp_path, once, "shown.yaml")
    checked = run("check", path)

    assert problems(yaml.load(once, Loader=CoreLoader)) == []
    assert checked.returncode == 0, checked.stdout
    assert show(path) == once


def test_show_needs_no_secret_and_shows_none(tmp_path):
    whole = smallest() | {"admin": {"keys": {"name": "ops", "key": "hg-literal-secret-of-ops"}}}
    whole["providers"]["two"] = {"kind": "openai", "api_key": "sk-literal-secret-of-two"}
    whole["providers"]["three"] = {
        "kind": "openai-compatible",
        "base_url": "http://127.0.0.1:9/v1",
        "headers": {"x-gate-token": "literal-secret", "x-team": "platform"},
    }
    path = written(tmp_path, whole)

    text = show(path)
    served = run("serve", "--config", written(tmp_path, text, "shown.yaml"), env={"KEY": "k"})

    assert "literal-secret" not in text
    assert "api_key: ${KEY}\n" in text
    assert "x-team: platform\n" in text
    assert KEY["sha256"] in text
    assert served.returncode == 1
    assert "is redacted" in served.stderr


def test_show_tells_the_problems_of_a_faulty_policy(tmp_path):
    done = run("show", "--config", written(tmp_path, smallest() | {"logg": {}}))
    missing = run("show", "--config", tmp_path / "missing.yaml")

    assert done.returncode == missing.returncode == 1
    assert done.stdout == missing.stdout == ""
    assert "logg" in done.stderr and "hint: " in done.stderr
    assert "missing.yaml" in missing.stderr


def test_show_merges_what_is_included(tmp_path):
    whole = smallest()
    projects = {"projects": whole.pop("projects")}
    written(tmp_path, projects, "projects.yaml")
    text = show(written(tmp_path, whole | {"include": "projects.yaml"}))

    (tmp_path / "projects.yaml").unlink()

    assert show(written(tmp_path, text, "shown.yaml")) == text
    assert KEY["sha256"] in text
