from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import ModelUnavailableError
from agents.events import MAX_EVENT_BYTES, EventReader, MergedEvents

STREAM = (
    b": a comment\r\n\r\nevent: message\nid: 7\n"
    b'data: {"choices":[{"delta":{"content":"Gr\xc3\xbc"}}]}\n\n'
    b'data:{"choices":[{"delta":\ndata: {"content":"\xc3\x9fe"}}]}\r\n\r\n'
    b"data: [DONE]\n\n"
)
EVENTS = [
    b'{"choices":[{"delta":{"content":"Gr\xc3\xbc"}}]}',
    b'{"choices":[{"delta":\n{"content":"\xc3\x9fe"}}]}',
    b"[DONE]",
]


def delta(**fields: Any) -> bytes:
    return orjson.dumps({"choices": [{"index": 0, "delta": fields, "finish_reason": None}]})


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_events_are_the_same_however_the_bytes_arrive(cuts: list[int]) -> None:
    reader = EventReader()
    places = [0, *sorted(cuts), len(STREAM)]

    assert [event for start, end in pairwise(places) for event in reader.feed(STREAM[start:end])] == EVENTS


@pytest.mark.parametrize("endless", [b"x" * 1000, b"data: x\n" * 100])
def test_event_that_does_not_end_is_refused(endless: bytes) -> None:
    reader = EventReader()
    within = [reader.feed(endless) for _ in range(MAX_EVENT_BYTES // len(endless) - 1)]

    assert not any(within)
    with pytest.raises(ModelUnavailableError, match="protocol_broken"):
        reader.feed(endless * 100)


def test_events_that_came_together_are_one_chunk() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "details": {"cached": 1}}
    finish = orjson.dumps({"model": "m-1", "choices": [{"delta": {}, "finish_reason": "stop"}]})
    counted = orjson.dumps({"choices": [], "usage": usage})

    merged = MergedEvents.read([delta(content="Good "), delta(content="bye"), finish, counted, b"[DONE]"])

    assert merged.as_chunk() == {
        "model": "m-1",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Good bye"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
    assert merged.done


@pytest.mark.parametrize(
    ("event", "progressed"),
    [
        (delta(role="assistant", content=""), False),
        (delta(role="assistant", content=None, refusal=None), False),
        (b'{"choices":[]}', False),
        (b"{}", False),
        (delta(content="a"), True),
        (delta(reasoning_content="hm"), True),
        (b'{"choices":[{"delta":{},"finish_reason":"length"}]}', True),
        (b'{"choices":[{"delta":null}]}', False),
    ],
)
def test_only_something_new_is_progress(event: bytes, progressed: bool) -> None:
    assert MergedEvents.read([event]).progressed is progressed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b'"text"',
        b"[1]",
        b"null",
        b'{"choices":"many"}',
        b'{"choices":[1]}',
        b'{"choices":[{"delta":"text"}]}',
        b'{"choices":[{"delta":{"content":7}}]}',
        b'{"choices":[{"delta":{"content":["a"]}}]}',
        b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_event_of_another_shape_is_refused(data: bytes) -> None:
    with pytest.raises(ModelUnavailableError, match="protocol_broken"):
        MergedEvents.read([data])


def test_error_event_is_an_error() -> None:
    with pytest.raises(ModelUnavailableError, match="error_in_stream"):
        MergedEvents.read([b'{"error":{"message":"canary"}}'])


@pytest.mark.parametrize("name", ["x" * 121, "a\nb", 7, None])
def test_odd_name_of_a_model_is_not_taken(name: object) -> None:
    assert MergedEvents.read([orjson.dumps({"model": name, "choices": []})]).model is None
