"""`duologue bench`: the commands, thin; each imports what it needs when it runs."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(help="Measure how fast it runs here; on an idle machine.", no_args_is_help=True)
Checkpoint = Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")]
ToJson = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON.")]
ToPlot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw them: .png, .svg or .pdf.")]


@contextmanager
def _bar(what: str):
    """A bar on the terminal, as a function of how much of how much is done."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@bench.command("turn")
def bench_turn(
    checkpoint: Checkpoint = None,
    turns: Annotated[int, typer.Option(min=1, help="Of each kind.")] = 300,
    pictures: Annotated[bool, typer.Option("--pictures", help="A picture in every turn, as while a camera streams.")] = False,
    to_json: ToJson = None,
    to_plot: ToPlot = None,
) -> None:
    """One turn of one session, speaking and quiet, bf16 and fp32, part by part, with or without a picture in each.

    **Example:** `duologue bench turn --pictures --json turn.json --plot turn.png`
    """
    from duologue.bench.figures import give
    from duologue.bench.turn import turn

    give(turn(checkpoint, turns, pictures), to_json, to_plot)


@bench.command("sessions")
def bench_sessions(
    checkpoint: Checkpoint = None,
    seconds: Annotated[float, typer.Option(min=1, help="For each number of sessions, after two to warm up.")] = 20.0,
    most: Annotated[int, typer.Option(min=1, help="Climb no further.")] = 128,
    wire: Annotated[bool, typer.Option("--wire", help="Over WebSockets, the server a process of its own.")] = False,
    to_json: ToJson = None,
    to_plot: ToPlot = None,
) -> None:
    """The most live sessions in real time, half of them speaking.

    **Example:** `duologue bench sessions --wire --seconds 20 --plot sessions.png`
    """
    from duologue.bench.figures import give
    from duologue.bench.sessions import sessions

    with _bar("numbers of sessions tried") as progress:
        figures = sessions(checkpoint, seconds, most, wire, progress)
    give(figures, to_json, to_plot)


@bench.command("ticks")
def bench_ticks(
    checkpoint: Checkpoint = None,
    tasks: Annotated[int, typer.Option(min=1, help="That run beside the talk.")] = 20,
    turns: Annotated[int, typer.Option(min=2, help="Of each kind, in real time.")] = 300,
    to_json: ToJson = None,
    to_plot: ToPlot = None,
) -> None:
    """A turn while slow background tasks run against a turn with none, in real time.

    **Example:** `duologue bench ticks --tasks 20 --json ticks.json`
    """
    from duologue.bench.figures import give
    from duologue.bench.ticks import ticks

    with _bar("blocks of turns") as progress:
        figures = ticks(checkpoint, tasks, turns, progress)
    give(figures, to_json, to_plot)


@bench.command("kernels")
def bench_kernels(
    threads: Annotated[list[int] | None, typer.Option(min=1, help="Of a CPU. May be repeated. Default: 1 and 2.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    to_json: ToJson = None,
    to_plot: ToPlot = None,
) -> None:
    """Every operation in C++ (on a GPU in Triton) beside the reference, torch's own and naive forms, by rows: time, memory's
    speed, equal bits.

    **Example:** `duologue bench kernels --json kernels.json --plot kernels.png`
    """
    from duologue.bench.figures import give
    from duologue.bench.kernels import kernels

    give(kernels(tuple(threads or (1, 2)), device), to_json, to_plot)


@bench.command("long")
def bench_long(
    checkpoint: Checkpoint = None,
    hours: Annotated[float, typer.Option(min=0, help="On the fake clock.")] = 4.0,
    to_json: ToJson = None,
    to_plot: ToPlot = None,
) -> None:
    """A session of hours: is the last turn as fast as the first, and has memory grown?

    **Example:** `duologue bench long --hours 4 --plot long.png`
    """
    from duologue.bench.figures import give
    from duologue.bench.long import long

    with _bar("turns") as progress:
        figures = long(checkpoint, hours, progress)
    give(figures, to_json, to_plot)


@bench.command("peers")
def bench_peers(
    checkpoint: Checkpoint = None,
    rounds: Annotated[int, typer.Option(min=1, help="In each, every contestant makes one step.")] = 50,
    to_json: ToJson = None,
    to_plot: ToPlot = None,
) -> None:
    """Compute for a second of talk beside Moshi and Mimi at an equal trunk, and beside re-sending the window.

    **Example:** `duologue bench peers --rounds 50 --plot peers.png`
    """
    from duologue.bench.figures import give
    from duologue.bench.peers import peers

    give(peers(checkpoint, rounds), to_json, to_plot)


@bench.command("voice")
def bench_voice(
    checkpoint: Checkpoint = None,
    steps: Annotated[list[int] | None, typer.Option(min=1, help="Of the flow head. May be repeated. Default: 1, 2 and 4.")] = None,
    temperature: Annotated[list[float] | None, typer.Option(min=0, help="Of its noise. May be repeated. Default: 0.3, 0.7 and 1.")] = None,
    to_json: ToJson = None,
    to_plot: ToPlot = None,
) -> None:
    """The own voice under other ways of sampling it: words that Whisper gets wrong, and DNSMOS.

    **Example:** `duologue bench voice --checkpoint model.safetensors --steps 1 --steps 4 --json voice.json`
    """
    from duologue.bench.figures import give
    from duologue.bench.voice import voice

    with _bar("ways of sampling") as progress:
        figures = voice(checkpoint, tuple(steps or (1, 2, 4)), tuple(temperature or (0.3, 0.7, 1.0)), progress)
    give(figures, to_json, to_plot)
