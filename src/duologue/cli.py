"""The command line. `main` is the entry; each command is thin, and imports what it needs when it runs, so that help is
instant."""

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import duologue
from duologue.agent import options
from duologue.bench.commands import bench
from duologue.config import PRESETS
from duologue.data.commands import synth
from duologue.errors import ConfigError, DuologueError
from duologue.evals.commands import judge
from duologue.evals.redteam.commands import redteam
from duologue.server.commands import forget, serve
from duologue.train.commands import train

UsageError = typer.BadParameter.__base__  # typer carries its own copy of click, and this is its error for wrong options

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Duologue: a model that listens and speaks at the same time, in micro-turns of 200 ms.

It decides by itself when to speak, wait, stop and go on: no rule in the code does. Begin with

`duologue talk --input question.wav`

and open `timeline.html` to see, on one clock, what came in and what it did.""",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"duologue {duologue.__version__}")
        raise typer.Exit


def _use_policy(path: Path) -> None:
    """For this process and those that it starts. Raises ConfigError for a file that is no policy."""
    from duologue.safety.policy import read

    read(path)
    os.environ["DUOLOGUE_POLICY"] = str(path.resolve())


app.add_typer(bench, name="bench")
app.command()(serve)
app.command()(forget)
app.add_typer(synth, name="synth")
app.add_typer(judge, name="eval")
app.command()(redteam)
app.add_typer(train, name="train")
Checkpoint = Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]
Seed = Annotated[int, typer.Option(help="Same seed, same bits.")]


@app.callback()
def _begin(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What must not be told, instead of the shipped safety/policy.toml.")
    ] = None,
) -> None:
    if policy:
        _use_policy(policy)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def talk(
    source: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="FILE", help="Any sound or video file; `-` is the microphone, until Ctrl-C."
        ),
    ] = None,
    typed: Annotated[
        list[str] | None,
        typer.Option(metavar="S:TEXT", help='Text typed at a second, e.g. `--typed "3.5:hello"`; may be repeated.'),
    ] = None,
    camera: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Look, too, while the microphone is on: `/dev/video0`.")
    ] = None,
    changed: Annotated[
        float, typer.Option(metavar="LEVELS", min=0, max=255, help="Pass a picture on only when it differs by so much; 0 is always.")
    ] = 0.0,
    tail: Annotated[float, typer.Option(metavar="S", min=0, max=3600, help="Seconds of silence after the end.")] = 6.0,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Stereo sound: left what came in, right what the model said.")
    ] = Path("answer.wav"),
    events: Annotated[Path, typer.Option(help="One line of JSON for each micro-turn.")] = Path("events.jsonl"),
    timeline: Annotated[Path, typer.Option(help="Page that draws it all on one clock; a .png lies beside it.")] = Path(
        "timeline.html"
    ),
    session: Annotated[Path | None, typer.Option(help="Record the session itself, for `duologue replay`.")] = None,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    device: Device = "cpu",
    model: options.Model = None,
    base_url: options.BaseUrl = None,
    api: options.Api = "chat",
    takes: options.Takes = None,
    tokens: options.Tokens = None,
    ears: options.Ears = None,
    mcp: options.Mcp = None,
    tools: options.Tools = None,
    allow: options.Allow = None,
    folder: options.Folder = None,
) -> None:
    """Let the model hear a recording (or you), and write down all it did.

    **Example:** `duologue talk --input question.wav --typed "3.5:hello" --output answer.wav`

    One output turn follows each input turn, silence included; both are in the stereo sound on one clock.

    What it delegates is worked on while the recording plays, and comes back as notes in later turns; `events.jsonl` and the timeline show
    it. With the planner alone that runs on the recording's own clock: same seed, same bits (but for a question about the time of day).
    With `--model`, `--mcp` or `--tools` a task takes the world's time, and turns take 200 ms each while one is being worked on:
    same seed, same bits as far as no task is made.
    """
    from duologue.device import chosen
    from duologue.live import Conversation
    from duologue.talk import MICROPHONE, Outputs, Seen, background, parse_typed
    from duologue.talk import talk as run_talk

    texts = parse_typed(typed or ())
    if source is None and not texts:
        raise ConfigError('nothing to hear: give --input FILE, --input - for the microphone, or --typed "1:hello"')
    outputs = Outputs(output, events, timeline)
    _check_places(source, (*outputs.all, *([session] if session else [])))
    behind = {"model": model, "base_url": base_url, "takes": takes, "tokens": tokens, "folder": folder} | ({"api": api} if model else {})
    behind |= {"ears": ears, "mcp": mcp, "tools": tools, "allow": allow}
    with background(source == MICROPHONE, **behind) as agent:
        conversation = Conversation(checkpoint, seed, device=chosen(device))
        conversation.agent = agent
        if session:
            conversation.record(session)
        run_talk(source, texts, tail, conversation, outputs, Seen(camera, changed))


def _check_places(source: str | None, outputs: tuple[Path, ...]) -> None:
    """Outputs replace what is there, so they must not be the recording, one another, a folder or a device."""
    paths = [path.resolve() for path in (Path(source or "-"), *outputs)]
    for path in paths[1:]:
        if paths.count(path) > 1:
            raise ConfigError(f"{path} is named twice: the input and every output need a file of their own")
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a file, so no output can take its place")


@app.command("replay")
def replay_session(
    session: Annotated[Path, typer.Argument(help="A recorded session, from `talk --session` or a server that records.")],
    checkpoint: Checkpoint = None,
    device: Device = "cpu",
) -> None:
    """Live a recorded session again: exit 0 when every bit that went out is the same, 1 when not.

    **Example:** `duologue replay session.jsonl`
    """
    from duologue.device import chosen
    from duologue.engine.engine import load
    from duologue.engine.log import replay

    turns, bits = replay(session, load(checkpoint, device=chosen(device)))
    typer.echo(f"{turns} turns, {bits} differing bits")
    raise typer.Exit(bool(bits or not turns))


@app.command()
def plan(preset: Annotated[str, typer.Argument(help=f"One of {', '.join(PRESETS)}.")] = "nano") -> None:
    """Print how many weights each part of a preset has; nothing is allocated."""
    import torch
    from rich.console import Console
    from rich.table import Table

    from duologue import config
    from duologue.model.interaction import InteractionModel

    with torch.device("meta"):
        model = InteractionModel(config.preset(preset))
    table = Table("part", "weights", box=None)
    for name, part in [*model.named_children(), ("all", model)]:
        table.add_row(name, f"{sum(p.numel() for p in part.parameters()):,}")
    Console().print(table)


def main() -> None:
    """Runs the command line: exit 0 done, 2 the user's mistake (one line, no traceback), 130 stopped by Ctrl-C."""
    try:
        sys.exit(app(standalone_mode=False))
    except UsageError as error:
        if not error.format_message():  # a group without a command: its help has been printed
            sys.exit(2)
        _stop(f"{error.format_message()} (see {error.ctx.command_path if error.ctx else 'duologue'} --help)", 2)
    except DuologueError as error:
        _stop(str(error), 2)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        _stop(f"{error}; free some space and run again", 2)
    except ModuleNotFoundError as error:
        _stop(f"{error.name} is not installed; this command needs: pip install 'duologue[serve,agent,train,synth,eval]'", 2)
    except (KeyboardInterrupt, typer.Abort):
        _stop("stopped", 130)


def _stop(message: str, code: int) -> None:
    print("duologue:", " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
