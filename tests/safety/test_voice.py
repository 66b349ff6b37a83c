"""There is one own voice, in the weights: no option of a command and no field of a wire leads to another."""

import asyncio
import inspect

import pytest
import typer

from duologue import cli
from duologue.engine.schedule import Schedule
from duologue.live import Conversation
from duologue.server.settings import Settings
from tests.server.stand_in import Engine, client, eventually, running

VOICE = ("voice", "speaker", "timbre", "clone", "reference", "style", "persona")
TALKING = ("talk", "serve")


def of_a_voice(names) -> list[str]:
    return [name for name in names if any(word in name for word in VOICE)]


def test_no_command_that_talks_has_an_option_for_the_voice():
    commands = typer.main.get_command(cli.app).commands
    for name in TALKING:
        options = [option for parameter in commands[name].params for option in (parameter.name, *parameter.opts)]
        assert options and not of_a_voice(options), name


def test_nothing_between_the_wire_and_the_engine_can_carry_one():
    for call in (Conversation.__init__, Conversation.on, Schedule.open):
        assert of_a_voice(inspect.signature(call).parameters) in ([], ["voiced"])  # the model with its vocoder, which no client names
    assert not of_a_voice(Settings.__dataclass_fields__)


class Watched(Engine):
    """Keeps what each session was opened with."""

    def __init__(self):
        super().__init__()
        self.asked: list[dict] = []

    def open(self, on_out, **options):
        self.asked.append({name: value for name, value in options.items() if name not in ("on_end", "seed")})
        return super().open(on_out, **options)


@pytest.mark.parametrize("path", ["/v1/live/sessions", "/v1/realtime"])
def test_a_voice_that_a_client_asks_for_changes_nothing(path):
    engine, realtime = Watched(), path.endswith("realtime")

    async def talk(server, voice: str):
        async with client(server, path, extended=False) as one:
            audio = {"output": {"voice": voice}}
            if realtime:
                await one.send(type="session.update", session={"type": "realtime", "audio": audio})
                answer = await one.until("session.updated")
            else:
                await one.send(type="session.start", session={"model": "any", "audio": audio})
                answer = await one.until("session.started")
            await eventually(lambda: engine.all[-1].turns)
            return answer["session"]

    with running(speed=1.0, engine=engine) as server:
        told = [asyncio.run(talk(server, voice)) for voice in ("alloy", "marin")]
    assert len(engine.asked) == 2 and engine.asked[0] == engine.asked[1]
    assert not any(word in str(session) for session in told for word in ("alloy", "marin"))
