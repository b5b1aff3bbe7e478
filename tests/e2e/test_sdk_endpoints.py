"""The other endpoints of this capability through the official SDK."""

import base64

import openai
import pydantic
import pytest
from support.policy import CLIENT_KEY, sha256

MODEL = "gpt-5-mini"
TOOL = {
    "type": "function",
    "name": "open_gate",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"gate": {"type": "string"}},
        "required": ["gate"],
        "additionalProperties": False,
    },
}


class Gate(pydantic.BaseModel):
    name: str
    is_open: bool


def test_completions_answer_and_stream_the_same(client):
    plain = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once")
    with client.completions.create(
        model="gpt-3.5-turbo-instruct", prompt="Once", stream=True
    ) as stream:
        chunks = list(stream)

    assert plain.object == "text_completion"
    assert plain.usage.completion_tokens > 0
    assert "".join(chunk.choices[0].text for chunk in chunks) == plain.choices[0].text
    assert chunks[-1].choices[0].finish_reason == plain.choices[0].finish_reason


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_come_in_both_encodings(client, encoding):
    answer = client.embeddings.create(
        model="text-embedding-3-small",
        input=["a gate", "a head"],
        encoding_format=encoding,
        dimensions=256,
    )

    assert [item.index for item in answer.data] == [0, 1]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0
    for item in answer.data:
        vector = item.embedding
        count = len(base64.b64decode(vector)) // 4 if isinstance(vector, str) else len(vector)
        assert count == 256


def test_embeddings_default_of_the_sdk(client):
    answer = client.embeddings.create(model="text-embedding-3-small", input="a gate")

    assert len(answer.data[0].embedding) == 1536
    assert all(isinstance(number, float) for number in answer.data[0].embedding)


def test_moderations(client):
    answer = client.moderations.create(model="omni-moderation-latest", input="a peaceful gate")

    assert len(answer.results) == 1
    assert answer.results[0].flagged is False
    assert 0 <= answer.results[0].category_scores.violence <= 1


def test_images(client):
    answer = client.images.generate(model="gpt-image-1", prompt="a gate", n=2)

    assert len(answer.data) == 2
    assert all(base64.b64decode(image.b64_json) for image in answer.data)


def test_responses_answer_with_text_and_usage(client):
    answer = client.responses.create(model=MODEL, input="Name the gates.")

    assert answer.status == "completed"
    assert answer.output_text
    assert answer.usage.output_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_responses_obey_an_output_cap(client):
    answer = client.responses.create(model=MODEL, input="Name the gates.", max_output_tokens=16)

    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage.output_tokens == 16


def test_responses_stream_typed_events(client):
    plain = client.responses.create(model=MODEL, input="Name the gates.")
    with client.responses.create(model=MODEL, input="Name the gates.", stream=True) as stream:
        events = list(stream)

    kinds = [event.type for event in events]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert text == plain.output_text == events[-1].response.output_text


def test_responses_stream_helper(client):
    with client.responses.stream(model=MODEL, input="Name the gates.") as stream:
        text = "".join(
            event.delta for event in stream if event.type == "response.output_text.delta"
        )
        final = stream.get_final_response()

    assert text == final.output_text


def test_responses_call_tools(client):
    answer = client.responses.create(
        model=MODEL, input="Open the north gate.", tools=[TOOL], tool_choice="required"
    )

    calls = [item for item in answer.output if item.type == "function_call"]
    assert calls[0].name == "open_gate"
    assert set(pydantic.TypeAdapter(dict).validate_json(calls[0].arguments)) == {"gate"}


def test_responses_parse_structured_outputs(client):
    answer = client.responses.parse(model=MODEL, input="Describe a gate.", text_format=Gate)

    assert isinstance(answer.output_parsed, Gate)


@pytest.mark.anyio
async def test_responses_stream_to_the_asynchronous_client(async_client):
    stream = await async_client.responses.create(model=MODEL, input="Name them.", stream=True)
    kinds = [event.type async for event in stream]

    assert kinds[-1] == "response.completed"


def test_models_list_what_the_project_may_use(start_gateway, make_client):
    gateway = start_gateway(
        providers="\n  rehearsal: {kind: simulator}\n",
        projects=f"""
  tests:
    models: [gpt-5*]
    keys: [{{name: pytest, sha256: {sha256(CLIENT_KEY)}}}]
""",
    )
    client = make_client(gateway)

    names = [model.id for model in client.models.list()]
    one = client.models.retrieve("gpt-5-mini")

    assert "gpt-5-mini" in names
    assert all(name.startswith("gpt-5") for name in names)
    assert names == sorted(names)
    assert (one.id, one.object) == ("gpt-5-mini", "model")
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4.1")
    assert caught.value.code == "model_not_found"
