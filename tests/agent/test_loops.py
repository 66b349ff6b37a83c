import asyncio

from duologue.agent.loops import Given, Stepped, Threaded


def test_time_passes_with_the_turns_alone():
    loop, seen = Stepped(), []

    async def sleeper(seconds):
        await asyncio.sleep(seconds)
        seen.append((seconds, await asyncio.to_thread(lambda: round(loop.now, 1))))

    for seconds in (0.5, 0.3):
        loop.start(sleeper(seconds))
    loop.turn()
    assert seen == []
    loop.turn()
    loop.turn()
    assert seen == [(0.3, 0.4), (0.5, 0.6)]
    loop.close()


def test_a_thread_runs_work_and_ends_it_when_closed():
    loop, ended = Threaded(), []

    async def endless():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(1)

    async def started():
        return "yes"

    loop.start(endless())
    assert loop.start(started()).result(60) == "yes"
    loop.close()
    assert ended == [1] and not loop.thread.is_alive()


def test_a_loop_that_is_given_is_worked_on_and_left_to_its_owner():
    async def owner():
        loop, seen, over = Given(asyncio.get_running_loop()), [], asyncio.Event()

        async def endless():
            try:
                await _never()
            finally:
                over.set()

        work, other = loop.start(asyncio.sleep(0, "done")), loop.start(endless())
        loop.soon(seen.append, "soon")
        loop.turn()
        assert seen == [] and not work.done()
        assert await asyncio.wrap_future(work) == "done" and seen == ["soon"]
        loop.close()
        assert not over.is_set()
        other.cancel()
        await over.wait()

    asyncio.run(asyncio.wait_for(owner(), 60))


def test_what_is_ending_when_the_loop_is_closed_may_end():
    """As a client of an MCP server does: it ends by the help of other tasks, which must not be cut off before."""
    loop, ended = Threaded(), []

    async def helper():
        await asyncio.sleep(0.1)
        ended.append("helper")

    async def ends_slowly():
        helping = asyncio.ensure_future(_never())
        try:
            await helping
        finally:
            await asyncio.ensure_future(helper())
            ended.append("work")

    work = loop.start(ends_slowly())
    loop.start(asyncio.sleep(0)).result(60)
    work.cancel()
    loop.close()
    assert ended == ["helper", "work"]


async def _never():
    await asyncio.sleep(3600)
