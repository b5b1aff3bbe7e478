"""chat/completions through the official SDK: every way in which its users call it."""

import jsonschema
import pydantic
import pytest

MODEL = "gpt-5-mini"
QUESTION = [{"role": "user", "content": "Name the gates of the city."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
            "required": ["place", "unit"],
            "additionalProperties": False,
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string"}},
            "required": ["zone"],
        },
    },
}


class Gate(pydantic.BaseModel):
    name: str
    height_m: float
    is_open: bool
    keepers: list[str]


def test_answers_with_text_and_usage(client):
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION)

    assert answer.object == "chat.completion"
    assert answer.model.startswith(MODEL)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == 50
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_obeys_an_output_cap(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_completion_tokens=7
    )

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 7


def test_gives_n_choices(client):
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION, n=3)

    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert all(choice.message.content for choice in answer.choices)


def test_gives_logprobs(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=QUESTION, logprobs=True, top_logprobs=2, max_completion_tokens=5
    )

    tokens = answer.choices[0].logprobs.content
    assert len(tokens) == 5
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)
    assert "".join(token.token for token in tokens) == answer.choices[0].message.content


def test_streams_what_it_would_have_answered(client):
    plain = client.chat.completions.create(model=MODEL, messages=QUESTION)

    with client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True) as stream:
        chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == plain.choices[0].message.content
    assert len(chunks) > 10
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert all(chunk.usage is None for chunk in chunks)


def test_streams_usage_when_asked(client):
    with client.chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 50
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_streams_n_choices(client):
    with client.chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, n=2
    ) as stream:
        finished = [
            choice.index for chunk in stream for choice in chunk.choices if choice.finish_reason
        ]

    assert sorted(finished) == [0, 1]


def test_calls_tools_in_parallel(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=QUESTION, tools=[WEATHER, TIME], tool_choice="required"
    )

    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert {call.function.name for call in choice.message.tool_calls} == {"get_weather", "get_time"}
    assert len({call.id for call in choice.message.tool_calls}) == 2
    for call in choice.message.tool_calls:
        tool = WEATHER if call.function.name == "get_weather" else TIME
        arguments = pydantic.TypeAdapter(dict).validate_json(call.function.arguments)
        jsonschema.validate(arguments, tool["function"]["parameters"])


def test_streams_tool_calls_in_pieces(client):
    with client.chat.completions.stream(
        model=MODEL, messages=QUESTION, tools=[WEATHER], tool_choice="required"
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()

    call = final.choices[0].message.tool_calls[0]
    assert "tool_calls.function.arguments.done" in kinds
    assert call.function.name == "get_weather"
    assert set(call.function.parsed_arguments) == {"place", "unit"}


def test_goes_on_after_a_tool_answered(client):
    call = client.chat.completions.create(
        model=MODEL, messages=QUESTION, tools=[TIME], tool_choice="required"
    ).choices[0].message

    answer = client.chat.completions.create(
        model=MODEL,
        messages=[
            *QUESTION,
            call.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "12:00"},
        ],
    )

    assert answer.choices[0].message.content


def test_parses_structured_outputs(client):
    answer = client.chat.completions.parse(model=MODEL, messages=QUESTION, response_format=Gate)

    assert isinstance(answer.choices[0].message.parsed, Gate)


def test_streams_structured_outputs(client):
    with client.chat.completions.stream(
        model=MODEL, messages=QUESTION, response_format=Gate
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()

    assert isinstance(final.choices[0].message.parsed, Gate)


def test_shows_headers_through_raw_responses(client):
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION)

    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.parse().choices[0].message.content


def test_streams_through_streaming_responses(client):
    with client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=QUESTION, stream=True
    ) as response:
        lines = [line for line in response.iter_lines() if line]

    assert response.headers["content-type"].startswith("text/event-stream")
    assert lines[-1] == "data: [DONE]"


def test_passes_unknown_fields_and_content_types(client, simulator):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}

    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}],
        extra_body={"field_of_tomorrow": {"depth": [1, 2, {"x": None}]}},
    )

    received = simulator.requests()[-1]["body"]
    assert answer.choices[0].message.content
    assert "field_of_tomorrow" in received
    assert "iVBORw0KGgo=" in received


@pytest.mark.anyio
async def test_serves_the_asynchronous_client(async_client):
    answer = await async_client.chat.completions.create(model=MODEL, messages=QUESTION)
    stream = await async_client.chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    raw = await async_client.chat.completions.with_raw_response.create(
        model=MODEL, messages=QUESTION
    )

    assert text == answer.choices[0].message.content
    assert raw.headers["x-headgate-route"] == "default"


@pytest.mark.anyio
async def test_serves_the_asynchronous_stream_helper(async_client):
    async with async_client.chat.completions.stream(model=MODEL, messages=QUESTION) as stream:
        deltas = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()

    assert "".join(deltas) == final.choices[0].message.content
