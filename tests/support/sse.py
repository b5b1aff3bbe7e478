"""Reads server-sent events for tests; strict about what this project promises to send."""

import json


def events(body):
    """The events of a whole stream as (name or None, data text) pairs."""
    assert body.endswith(b"\n\n"), "the last event is not whole"
    found = []
    for block in body.decode().split("\n\n"):
        name, data = None, []
        for line in block.split("\n"):
            if line.startswith("event: "):
                name = line[len("event: ") :]
            elif line.startswith("data: "):
                data.append(line[len("data: ") :])
            else:
                assert line == "" or line.startswith(":"), f"neither field nor comment: {line!r}"
        if data:
            found.append((name, "\n".join(data)))
    return found


def chunks(body):
    """The JSON of all events but [DONE]."""
    return [json.loads(data) for _, data in events(body) if data != "[DONE]"]


def text_of(body):
    """The text of a chat stream, of all choices in their order."""
    pieces = {}
    for chunk in chunks(body):
        for choice in chunk.get("choices", []):
            content = choice["delta"].get("content") or ""
            pieces[choice["index"]] = pieces.get(choice["index"], "") + content
    return "".join(pieces[index] for index in sorted(pieces))
