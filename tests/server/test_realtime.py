"""The Realtime projection over a real socket: responses from speech, items from what was heard, and never a forced decision."""

import asyncio

import pytest

from tests.server.stand_in import client, pcm, running, samples

REALTIME = {"path": "/v1/realtime?model=gpt-realtime", "extended": False}
IN_ORDER = [
    "response.created", "response.output_item.added", "conversation.item.added", "response.content_part.added",
    "response.output_audio_transcript.delta", "response.output_audio.delta", "response.output_audio.done",
    "response.output_audio_transcript.done", "response.content_part.done", "response.output_item.done",
    "conversation.item.done", "response.done", "rate_limits.updated",
]  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with running() as one:
        yield one


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


async def say(one, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    await one.send(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})


def kinds(seen, prefix="response.") -> list[str]:
    """Types in the order of their first event."""
    return list(dict.fromkeys(e["type"] for e in seen if e["type"].startswith(prefix)))


def test_a_stretch_of_speech_is_a_response_nobody_asked_for(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await one.until("session.created")
            await say(one, "say 3")
            await one.until("conversation.item.done")
            at = len(one.seen)
            done = await one.until("response.done")
            await one.until("rate_limits.updated")
            return done["response"], one.seen[at:]

    response, seen = run(talk())
    assert list(dict.fromkeys(e["type"] for e in seen)) == IN_ORDER
    assert response["status"] == "completed"
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "tone tone tone"}]
    deltas = [e["delta"] for e in seen if e["type"] == "response.output_audio.delta"]
    assert [len(samples(d)) for d in deltas] == [4800] * 4, "three turns, and one in which the sound ends"


def test_what_the_user_said_becomes_an_item(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await one.send(type="input_audio_buffer.append", audio=pcm(0.5))
            started = await one.until("input_audio_buffer.speech_started")
            transcribed = await one.until("conversation.item.input_audio_transcription.completed")
            assert transcribed["item_id"] == started["item_id"] and "sound" in transcribed["transcript"]
            await one.send(type="conversation.item.retrieve", item_id=started["item_id"])
            item = (await one.until("conversation.item.retrieved"))["item"]
            assert item["role"] == "user"
            return one.seen

    seen = [e["type"] for e in run(talk())]
    order = ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed", "conversation.item.added"]
    assert [kind for kind in seen if kind in order] == order
    assert "response.created" not in seen, "sound alone makes no response: the model did not speak"


def test_speech_started_waits_until_the_model_yields(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await say(one, "say 8")
            await one.until("response.output_audio.delta")
            await one.send(type="input_audio_buffer.append", audio=pcm(0.6))
            await one.until("input_audio_buffer.speech_started")
            return [e["type"] for e in one.seen]

    seen = run(talk())
    assert seen.index("response.done") < seen.index("input_audio_buffer.speech_started")


def test_a_wish_for_an_answer_forces_nothing_and_ends_incomplete(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await one.send(type="response.create", event_id="mine")
            created = await one.until("response.created")
            await one.send(type="response.create", event_id="again")
            assert (await one.until("error"))["error"]["event_id"] == "again"
            done = await one.until("response.done")
            assert done["response"]["id"] == created["response"]["id"]
            return done["response"], kinds(one.seen)

    response, seen = run(talk())
    assert (response["status"], response["output"]) == ("incomplete", [])
    assert seen == ["response.created", "response.done"]
    assert [n.source for t in server.engine.all[-1].turns for n in t.notes] == ["ui"]


def test_the_answer_to_a_wish_is_that_response(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await one.send(type="response.create", response={"instructions": "say 2", "metadata": {"a": "b"}})
            created = await one.until("response.created")
            done = await one.until("response.done")
            return created["response"], done["response"]

    created, done = run(talk())
    assert created["id"] == done["id"] and done["status"] == "completed" and done["metadata"] == {"a": "b"}


def test_text_only_clients_get_the_words_as_text(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await one.send(type="session.update", session={"type": "realtime", "output_modalities": ["text"]})
            assert (await one.until("session.updated"))["session"]["output_modalities"] == ["text"]
            await say(one, "say 2")
            await one.until("response.done")
            return one.seen

    seen = run(talk())
    assert [e["text"] for e in seen if e["type"] == "response.output_text.done"] == ["tone tone"]
    assert not [e for e in seen if e["type"] == "response.output_audio.delta"]


def test_a_typed_answer_is_a_response_of_its_own(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await say(one, "write forty two")
            return (await one.until("response.done"))["response"]

    assert run(talk())["output"][0]["content"] == [{"type": "output_text", "text": "forty two"}]


def test_cancel_and_truncate_tell_the_model_what_was_not_heard(server):
    async def talk():
        async with client(server, **REALTIME) as one:
            await say(one, "say 10")
            item = (await one.until("response.output_item.added"))["item"]["id"]
            await one.until("response.output_audio.delta")
            await one.send(type="response.cancel")
            assert (await one.until("response.done"))["response"]["status"] == "cancelled"
            at = len(one.seen)
            await one.send(type="conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=0)
            assert (await one.until("conversation.item.truncated"))["audio_end_ms"] == 0
            await one.send(type="response.cancel")
            assert (await one.until("error"))["error"]["code"] == "response_cancel_not_active"
            await asyncio.sleep(0.5)
            await say(one, "write over")
            await one.until("response.done")
            return kinds(one.seen[at:])

    assert "response.output_audio.delta" not in run(talk())
    assert sum(t.unplayed_ms for t in server.engine.all[-1].turns) >= 1_000


def test_settings_that_mean_nothing_here_are_no_error(server):
    wishes = {
        "type": "realtime", "model": "x", "tracing": "auto", "max_output_tokens": "inf", "tool_choice": "auto",
        "tools": [{"type": "function", "name": "f", "parameters": {}}], "truncation": "auto",
        "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "noise_reduction": None,
                            "transcription": {"model": "gpt-4o-mini-transcribe"},
                            "turn_detection": {"type": "semantic_vad", "eagerness": "auto"}},
                  "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0}},
    }  # fmt: skip

    async def talk():
        async with client(server, **REALTIME) as one:
            await one.send(type="session.update", session=wishes)
            session = (await one.until("session.updated"))["session"]
            assert session["tools"] == [] and set(session["audio"]["input"]) == {"format"}

    run(talk())


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_audio"),
        ({"type": "conversation.item.delete", "item_id": "nobody"}, "item_not_found"),
        ({"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": -1}, "invalid_event"),
        ({"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}}, "invalid_event"),
        ({"type": "output_audio_buffer.clear"}, "unsupported"),
        ({"type": "session.start"}, "unknown_event"),
        ({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [
            {"type": "input_image", "image_url": "http://127.0.0.1/x.png"}]}}, "invalid_image"),
    ],
)  # fmt: skip
def test_each_mistake_is_a_typed_error(server, event, code):
    async def talk():
        async with client(server, **REALTIME) as one:
            await one.send(**event, event_id="mine")
            error = (await one.until("error"))["error"]
            assert (error["code"], error["event_id"]) == (code, "mine")
            await say(one, "say 1")
            await one.until("response.done")

    run(talk())
