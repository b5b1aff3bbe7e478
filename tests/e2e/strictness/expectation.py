"""What holds for every answer of the gateway, and the comparison of a case with what came of it."""

import json
import re

# What may come down (the contract's allow-list), and the fields of the connection itself.
ALLOWED_FIELDS = {
    "connection", "date", "content-type", "content-length", "transfer-encoding", "cache-control",
    "allow", "www-authenticate", "openai-processing-ms", "openai-version", "retry-after",
    "retry-after-ms", "x-should-retry", "x-request-id", "server-timing", "age", "etag",
    "deprecation", "sunset", "link", "x-accel-buffering",
}  # fmt: skip
ALLOWED_PREFIXES = ("x-headgate-", "x-ratelimit-")
REQUEST_ID = re.compile(r"req_[0-9A-Za-z]{26}")
TYPES = {"application/json", "text/event-stream"}


def problems_of_answer(answer, is_to_head=False):
    """What is wrong with an answer, whatever it was an answer to."""
    names = [name for name, _ in answer.fields]
    problems = [
        f"field {name} came down"
        for name in set(names)
        if name not in ALLOWED_FIELDS and not name.startswith(ALLOWED_PREFIXES)
    ]
    problems += [f"repeated {name}" for name in set(names) if names.count(name) > 1]
    kind = (answer.value("content-type") or "").partition(";")[0]
    if answer.body and kind not in TYPES:
        problems.append(f"content type {kind!r}")
    if answer.start[0] >= 400 and not is_to_head:
        problems += problems_of_error(answer)
    return problems


def error_of(answer):
    """The members of an OpenAI error; none where the body is not one."""
    try:
        error = json.loads(answer.body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def problems_of_error(answer):
    error = error_of(answer)
    is_error = set(error) >= {"message", "type", "param", "code"} and error["message"]
    return [] if is_error else [f"not an OpenAI error: {answer.body[:120]!r}"]


def code_of(answer):
    return error_of(answer).get("code")


def _allowed(expected):
    return expected if isinstance(expected, (set, frozenset)) else {expected}


def problems_of_case(case, transcript):
    """How a case and its transcript differ; none where the gateway did as it should."""
    answers = transcript.answers
    wanted = [_allowed(expected) for expected in case.answers]
    statuses = [answer.start[0] for answer in answers]
    problems = []
    if any(status not in allowed for status, allowed in zip(statuses, wanted)):
        problems.append(f"answers {statuses} instead of {wanted}")
    if any(None not in allowed for allowed in wanted[len(statuses) :]):
        problems.append(f"answers {statuses} and then none, instead of {wanted}")
    for answer in answers:
        problems += problems_of_answer(answer, case.is_head)
        if answer.is_cut:
            problems.append("an answer was cut")
        if case.is_old and answer.framing == "chunked":
            problems.append("a chunked answer to HTTP/1.0")
    is_probe = case.raw.startswith((b"GET /healthz ",))
    if not is_probe and any(not REQUEST_ID.fullmatch(a.value("x-request-id") or "") for a in answers):
        problems.append("an answer without x-request-id")
    if case.code and answers and code_of(answers[-1]) != case.code:
        problems.append(f"code {code_of(answers[-1])!r} instead of {case.code!r}")
    return problems + _problems_of_connection(case, transcript)


def _problems_of_connection(case, transcript):
    problems = []
    interim = [answer.start[0] for answer in transcript.interim]
    if interim not in ([], [100]) or (case.interim is not None and bool(interim) != case.interim):
        problems.append(f"interim answers {interim}")
    if transcript.surplus:
        problems.append("bytes that nothing asked for")
    if case.closed is not None and transcript.closed != case.closed:
        problems.append("the connection was " + ("closed" if transcript.closed else "kept open"))
    if transcript.probe is not None and transcript.probe.start[0] != 200:
        problems.append(f"the next request on the connection got {transcript.probe.start[0]}")
    return problems
