import pytest

from tests.agent.talking import LOOPS


@pytest.fixture(autouse=True)
def loops_are_closed():
    """An event loop that nobody closes warns whenever the garbage collector finds it."""
    yield
    while LOOPS:
        LOOPS.pop().close()
