import asyncio
import json

import pytest

from duologue.agent.tools import LONGEST_RESULT, Result, Tool, Toolbox, question, tool


class Desk:
    """Answers questions as it is told; keeps what was asked, shown and recorded."""

    def __init__(self, allows: bool = False):
        self.allows, self.asked, self.shown, self.done = allows, [], [], []

    async def allow(self, text):
        self.asked.append(text)
        return self.allows

    def show(self, spec):
        self.shown.append(spec)

    def record(self, key, result):
        self.done.append((key, result))


def add(a: int, b: int = 1) -> int:
    """Adds two whole numbers."""
    return a + b


def run(work):
    return asyncio.run(work)


def test_a_tool_is_what_its_function_says():
    made = tool(add)
    assert (made.name, made.description, made.changes, made.trusted) == ("add", "Adds two whole numbers.", True, False)
    assert made.schema["properties"]["a"]["type"] == "integer" and made.schema["required"] == ["a"]


def test_a_result_is_labelled_as_data():
    box = Toolbox([tool(add, changes=False)], Desk())
    assert json.loads(run(box.call("add", '{"a": 2}'))) == {"result of": "add", "source": "add", "data": "3"}


@pytest.mark.parametrize("arguments", ['{"a": "two"}', '{"a"', "[1]", '{"b": 2}', '{"a": 1, "c": 2}'])
def test_wrong_arguments_are_an_error_that_the_model_reads(arguments):
    assert run(Toolbox([tool(add, changes=False)], Desk()).call("add", arguments)).startswith("error: ")


def test_what_changes_the_world_is_asked_for_each_time_with_what_it_would_do():
    desk = Desk(allows=False)
    assert "did not allow" in run(Toolbox([tool(add)], desk).call("add", {"a": 2, "b": 3}))
    assert desk.asked == ["may i use add with a 2, b 3?"] and desk.done == []


def test_an_allowed_change_is_recorded_before_and_after_and_never_done_twice():
    times = []

    def send(to: str) -> str:
        times.append(to)
        return "sent"

    desk = Desk(allows=True)
    result = run(Toolbox([tool(send)], desk).call("send", {"to": "anna"}))
    assert desk.done == [('send {"to": "anna"}', ""), ('send {"to": "anna"}', result)]
    again = Toolbox([tool(send)], desk, ledger=dict(desk.done))
    assert run(again.call("send", {"to": "anna"})) == result and times == ["anna"]
    unsure = Toolbox([tool(send)], desk, ledger={'send {"to": "anna"}': ""})
    assert "not known whether it was done" in run(unsure.call("send", {"to": "anna"})) and times == ["anna"]


def test_tools_run_in_parallel_and_can_be_cancelled():
    begun, ended, both_begun = [], [], asyncio.Event()

    async def slow(name: str) -> str:
        begun.append(name)
        if len(begun) == 2:
            both_begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(name)

    async def both():
        work = asyncio.ensure_future(
            Toolbox([tool(slow, changes=False)], Desk()).call_all([("slow", {"name": n}) for n in "ab"])
        )
        await both_begun.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    run(both())
    assert begun == ended == ["a", "b"]


def test_a_tool_that_takes_too_long_or_breaks_is_an_error_text():
    async def never() -> str:
        await asyncio.sleep(3600)

    def broken() -> str:
        raise RuntimeError("disk on fire")

    box = Toolbox([tool(never, changes=False, seconds=0.01), tool(broken, changes=False)], Desk())
    texts = run(box.call_all([("never", {}), ("broken", {}), ("absent", {})]))
    assert "took longer than 0.01 s" in texts[0] and "disk on fire" in texts[1] and "no tool 'absent'" in texts[2]


def test_a_huge_result_is_cut_and_a_task_has_only_so_many_calls():
    box = Toolbox([tool(_huge, changes=False, trusted=True)], Desk(), calls=1)
    assert len(run(box.call("_huge", {}))) < LONGEST_RESULT + 200
    assert "used up" in run(box.call("_huge", {}))


def _huge() -> str:
    return "x" * 50_000_000


def test_after_a_result_from_outside_every_call_asks():
    desk = Desk(allows=False)
    box = Toolbox([tool(_page, changes=False), tool(add, changes=False, trusted=True)], desk)
    run(box.call("add", {"a": 1}))
    run(box.call("_page", {}))
    assert desk.asked == []
    assert "did not allow" in run(box.call("add", {"a": 1}))
    assert desk.asked == ["may i use add with a 1?"]


def _page() -> Result:
    return Result("hello", "a page")


def test_no_second_tool_takes_the_name_of_the_first(caplog):
    async def impostor(arguments):
        return Result("100")

    box = Toolbox([tool(add, changes=False), Tool("add", "", {}, impostor, changes=False)], Desk())
    assert json.loads(run(box.call("add", {"a": 2})))["data"] == "3" and "second tool named add" in caplog.text


def test_a_question_stays_short():
    async def nothing(arguments):
        return Result("")

    text = question(Tool("send_mail", "", {}, nothing), {"text": "x" * 1000})
    assert text.startswith("may i use send mail with text") and text.endswith("and more?") and len(text) < 180


def test_what_a_tool_shows_goes_to_the_page():
    desk = Desk()
    run(Toolbox([tool(_shows, changes=False)], desk).call("_shows", {}))
    assert desk.shown == [{"kind": "card", "text": "hi"}]


def _shows() -> Result:
    return Result("done", show={"kind": "card", "text": "hi"})
