"""Azure OpenAI behind clients of OpenAI's API: a simulated Azure, told by path, version and key."""

import json

import openai
import pytest
from support.gateway import Gateway, Simulator
from support.policy import UPSTREAM_KEY, policy
from support.routes import attempts, last_rows, route, routes
from support.scripted_upstream import ask, outcome
from support.sse import chunks
from support.waiting import wait_for

MODEL = "gpt-5-mini"
QUESTION = [{"role": "user", "content": "Hello"}]
FILTERED = [{"role": "user", "content": "Please simulate-content-filter now."}]
DATED = "2024-10-21"
VERSIONS = [DATED, "2025-04-01-preview", "v1"]
QUICK = ("--first-byte", "0ms", "--token-delay", "0ms", "--tokens", "5")
DEPLOYMENTS = "{gpt-5-mini: chat-prod, text-embedding-3-small: embed, gpt-image-1: pictures}"


def azure(address, version=DATED, credential=f"api_key: {UPSTREAM_KEY}"):
    return f"""
  azure-eu:
    kind: azure
    base_url: http://{address}
    {credential}
    api_version: {version}
    deployments: {DEPLOYMENTS}
"""


@pytest.fixture
def start_azure(start):
    return lambda *options: start(Simulator, "--wire", "azure", *QUICK, *options)


@pytest.fixture
def upstream(start_azure):
    return start_azure()


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def gateway(start_gateway, upstream, version):
    return start_gateway(providers=azure(upstream.address, version))


def sent(upstream):
    """Path, query, header fields and body of the one request that came."""
    (request,) = upstream.requests()
    fields = {name.lower(): value for name, value in request["headers"]}
    return request["path"], request["query"], fields, json.loads(request["body"])


def assert_sent(upstream, version, operation, deployment):
    """Where it was sent and under which credential; returns the body."""
    path, query, fields, body = sent(upstream)
    if version == "v1":
        assert (path, query) == (f"/openai/v1/{operation}", "")
        assert body["model"] == deployment
    elif operation == "responses":  # no deployment in the path, so the body names it
        assert (path, query) == ("/openai/responses", f"api-version={version}")
        assert body["model"] == deployment
    else:
        assert path == f"/openai/deployments/{deployment}/{operation}"
        assert query == f"api-version={version}"
    assert fields["api-key"] == UPSTREAM_KEY
    assert "authorization" not in fields
    return body


def test_a_chat_goes_to_its_deployment(gateway, make_client, upstream, version):
    raw = make_client(gateway).chat.completions.with_raw_response.create(
        model=MODEL, messages=QUESTION, seed=7
    )

    answer = raw.parse()

    assert answer.choices[0].message.content
    assert raw.headers["x-headgate-provider"] == "azure-eu"
    assert raw.headers["x-headgate-model"] == MODEL
    body = assert_sent(upstream, version, "chat/completions", "chat-prod")
    assert (body["messages"], body["seed"]) == (QUESTION, 7)
    (row,) = last_rows(gateway)
    assert (row["provider"], row["model"], row["price"]) == ("azure-eu", MODEL, "catalogue")
    assert (row["output_tokens"], row["estimated"]) == (answer.usage.completion_tokens, False)


def test_a_stream_passes_with_what_the_content_filter_reports(gateway, upstream, version):
    answer = ask(gateway, stream=True, stream_options={"include_usage": True})

    assert (answer.status, answer.ended) == (200, "last-chunk")
    seen = chunks(answer.body)
    assert seen[0]["choices"] == []
    assert seen[0]["prompt_filter_results"]
    assert seen[-1]["usage"]["completion_tokens"] > 0
    assert_sent(upstream, version, "chat/completions", "chat-prod")
    (row,) = last_rows(gateway)
    assert row["outcome"] == "complete"
    assert row["output_tokens"] == seen[-1]["usage"]["completion_tokens"]


def test_the_official_client_reads_azures_stream(gateway, make_client, upstream, version):
    stream = make_client(gateway).chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True
    )

    seen = list(stream)

    assert "".join(each.choices[0].delta.content or "" for each in seen if each.choices)
    # Usage was asked for on our own account, and is not passed on to who did not ask.
    assert all(each.usage is None for each in seen)
    body = assert_sent(upstream, version, "chat/completions", "chat-prod")
    assert body["stream_options"]["include_usage"] is True
    (row,) = last_rows(gateway)
    assert (row["outcome"], row["estimated"]) == ("complete", False)


def test_embeddings_go_to_their_deployment(gateway, make_client, upstream, version):
    answer = make_client(gateway).embeddings.create(
        model="text-embedding-3-small", input=["a gate", "two gates"]
    )

    assert [len(item.embedding) for item in answer.data] == [1536, 1536]
    assert_sent(upstream, version, "embeddings", "embed")


def test_images_go_to_their_deployment(gateway, make_client, upstream, version):
    answer = make_client(gateway).images.generate(model="gpt-image-1", prompt="a gate")

    assert answer.data[0].b64_json
    assert_sent(upstream, version, "images/generations", "pictures")


@pytest.mark.parametrize("version", ["2025-04-01-preview", "v1"], indirect=True)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_responses_name_their_deployment(gateway, make_client, upstream, version, stream):
    client = make_client(gateway)
    if stream:
        events = list(client.responses.create(model=MODEL, input="Hello", stream=True))
        assert events[-1].type == "response.completed"
        answer = events[-1].response
    else:
        answer = client.responses.create(model=MODEL, input="Hello")

    assert answer.output_text
    assert_sent(upstream, version, "responses", "chat-prod")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_the_content_filter_refuses_passes_and_is_not_sent_again(
    start_gateway, upstream, simulator, make_client, stream
):
    text = azure(upstream.address) + backup(simulator)
    gateway = start_gateway(providers=text, extra=routes(route("azure-eu", "backup")))

    with pytest.raises(openai.BadRequestError) as refusal:
        make_client(gateway).chat.completions.create(
            model=MODEL, messages=FILTERED, stream=stream
        )

    assert refusal.value.code == "content_filter"
    assert "content management policy" in refusal.value.message
    assert refusal.value.response.headers["x-headgate-provider"] == "azure-eu"
    (row,) = last_rows(gateway)
    assert attempts(row) == [("azure-eu", 400, "status")]
    assert len(upstream.requests()) == 1


def backup(simulator):
    return f"""
  backup:
    kind: openai
    base_url: http://{simulator.address}/v1
    api_key: {UPSTREAM_KEY}
"""


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_what_azure_fails_openai_answers(start_gateway, start_azure, simulator, status, stream):
    upstream = start_azure("--fail", str(status))
    gateway = start_gateway(
        providers=azure(upstream.address) + backup(simulator),
        extra=routes(
            route("azure-eu", "backup", fallback_on=[408, 429, 500, 503, "connect", "cut"])
        ),
    )

    answer = ask(gateway, stream=stream)

    assert answer.status == 200
    assert answer.headers["x-headgate-provider"] == "backup"
    assert answer.headers["x-headgate-attempts"] == "2"
    assert len(upstream.requests()) == 1


def test_a_429_benches_azure_for_its_retry_after(start_gateway, start_azure, simulator):
    upstream = start_azure("--fail", "429", "--retry-after", "300s")
    gateway = start_gateway(
        providers=azure(upstream.address) + backup(simulator),
        extra=routes(route("azure-eu", "backup")),
    )

    answers = [ask(gateway) for _ in range(3)]

    assert [each.headers["x-headgate-provider"] for each in answers] == ["backup"] * 3
    assert [each.headers["x-headgate-attempts"] for each in answers] == ["2", "1", "1"]
    assert len(upstream.requests()) == 1
    assert gateway.metric("headgate_target_benched", provider="azure-eu", reason="rate_limit") == 1


def test_an_error_of_azure_comes_in_openais_form(start_gateway, start_azure):
    gateway = start_gateway(
        providers=azure(start_azure("--fail", "429", "--retry-after", "300s").address),
        extra=routes(route("azure-eu", retry={"attempts": 1})),
    )

    answer = ask(gateway)

    assert answer.status == 429
    assert set(json.loads(answer.body)["error"]) == {"message", "type", "param", "code"}
    assert answer.headers["retry-after"] == "300"


def test_a_model_without_a_deployment_is_not_served(gateway, upstream):
    assert outcome(ask(gateway, model="gpt-5")) == (404, "model_not_found")
    assert upstream.requests() == []


def test_a_token_goes_as_bearer_and_is_read_again_when_it_changes(
    start_gateway, upstream, tmp_path
):
    token = tmp_path / "token"
    token.write_text("token-1\n")
    gateway = start_gateway(
        providers=azure(upstream.address, credential=f'token_file: "{token}"')
    )

    def credentials():
        assert ask(gateway).status == 200
        fields = dict(upstream.requests()[-1]["headers"])
        return fields.get("authorization"), fields.get("api-key")

    assert credentials() == ("Bearer token-1", None)
    token.write_text("token-2\n")

    wait_for(lambda: credentials() == ("Bearer token-2", None), "the new token to be sent")


@pytest.mark.parametrize("root", ["", "/openai", "/openai/v1", "/"])
def test_the_resources_address_is_taken_as_portals_show_it(start_gateway, upstream, root):
    gateway = start_gateway(providers=azure(upstream.address + root))

    assert ask(gateway).status == 200
    assert sent(upstream)[0] == "/openai/deployments/chat-prod/chat/completions"


def test_a_policy_for_azure_is_rehearsed_without_key_or_network(start, tmp_path, version):
    access = f'"{tmp_path}/access.log"'
    providers = azure("acme.openai.azure.com", version, "api_key: ${AZURE_API_KEY}")
    text = policy(providers=providers.replace("http:", "https:"), access=access)
    gateway = start(Gateway, tmp_path, text, "--rehearse")

    plain, streamed = ask(gateway), ask(gateway, stream=True)

    for answer in (plain, streamed):
        assert answer.status == 200
        assert answer.headers["x-headgate-provider"] == "azure-eu"
    assert chunks(streamed.body)[0]["prompt_filter_results"]
    rows = last_rows(gateway)
    assert [(row["outcome"], row["estimated"]) for row in rows] == [("complete", False)] * 2
