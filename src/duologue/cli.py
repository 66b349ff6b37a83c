"""The command line. `main` is the entry; each command is thin, and imports what it needs when it runs, so that help is
instant."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

import duologue
from duologue.bench.commands import bench
from duologue.errors import ConfigError, DuologueError
from duologue.evals.commands import judge

UsageError = typer.BadParameter.__base__  # typer carries its own copy of click, and this is its error for wrong options

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


train = typer.Typer(help="Train a part of the model. Every run goes on where its folder stopped.", no_args_is_help=True)
synth = typer.Typer(help="Make what it learns from: voices, and conversations spoken by them.", no_args_is_help=True)
app.add_typer(bench, name="bench")
app.add_typer(synth, name="synth")
app.add_typer(judge, name="eval")
app.add_typer(train, name="train")
Checkpoint = Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")]
Preset = Annotated[str, typer.Option(help="nano, pico or tiny.")]
Seed = Annotated[int, typer.Option(help="Same seed, same bits.")]


@app.callback()
def _begin(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
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
) -> None:
    """Let the model hear a recording (or you), and write down all it did.

    **Example:** `duologue talk --input question.wav --typed "3.5:hello" --output answer.wav`

    One output turn follows each input turn, silence included; both are in the stereo sound on one clock.
    """
    from duologue.live import Conversation
    from duologue.talk import Outputs, parse_typed
    from duologue.talk import talk as run_talk

    texts = parse_typed(typed or ())
    if source is None and not texts:
        raise ConfigError('nothing to hear: give --input FILE, --input - for the microphone, or --typed "1:hello"')
    outputs = Outputs(output, events, timeline)
    _check_places(source, (*outputs.all, *([session] if session else [])))
    conversation = Conversation(checkpoint, seed)
    if session:
        conversation.record(session)
    run_talk(source, texts, tail, conversation.step, outputs)


def _check_places(source: str | None, outputs: tuple[Path, ...]) -> None:
    """Outputs replace what is there, so they must not be the recording, one another, a folder or a device."""
    paths = [path.resolve() for path in (Path(source or "-"), *outputs)]
    for path in paths[1:]:
        if paths.count(path) > 1:
            raise ConfigError(f"{path} is named twice: the input and every output need a file of their own")
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a file, so no output can take its place")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; anything but loopback needs --keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    keys: Annotated[Path | None, typer.Option(help="File of API keys, one a line.")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="A page that may connect, beside the server's own; may be repeated.")] = None,
    cert: Annotated[Path | None, typer.Option(help="TLS certificate; with --cert-key.")] = None,
    cert_key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
    sessions: Annotated[int, typer.Option(min=1, help="At most so many at once; fewer where the machine is slower.")] = 32,
    patience: Annotated[float, typer.Option(min=-8, max=8, help="Added to the model's own wish to wait; 0 as trained.")] = 0.0,
    record: Annotated[Path | None, typer.Option(help="Folder for recordings of every session. Off unless given.")] = None,
    checkpoint: Checkpoint = None,
) -> None:
    """Serve live conversations: the page, GPT-Live's and Realtime's WebSockets. See docs/wire.md.

    **Example:** `duologue serve`, then open http://127.0.0.1:8000
    """
    from functools import partial

    import torch

    from duologue.engine.engine import Engine, load
    from duologue.engine.schedule import Schedule
    from duologue.live import Conversation
    from duologue.server.app import Server
    from duologue.server.run import run
    from duologue.server.settings import Settings, check_reach, read_keys

    if (cert is None) != (cert_key is None):
        raise ConfigError("give --cert and --cert-key together, or neither")
    if record:
        record.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # a busy machine punishes two: 0.1 ms operations become 4-16 ms
    known = read_keys(keys)
    check_reach(host, known)
    settings = Settings(keys=known, origins=tuple(origin or ()), sessions=sessions, patience=patience, record=record)
    schedule = Schedule(Engine(load(checkpoint), sessions))
    run(Server(partial(Conversation.on, schedule), settings, lambda: schedule.tick_ms), host, port, cert, cert_key)


@synth.command()
def voices(
    engine: Annotated[Literal["kokoro", "flite", "festival", "espeak"], typer.Option(help="Who speaks.")] = "kokoro",
    minutes: Annotated[float, typer.Option(min=0, help="Stop after this time.")] = 60.0,
    utterances: Annotated[int, typer.Option(min=1, help="Stop after this many.")] = sys.maxsize,
    own_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="The own voice's share (Kokoro only); 1 and 0 divide the work.")
    ] = None,
) -> None:
    """Fill the voice bank with utterances and their word times. What is there is not said again.

    **Example:** `duologue synth voices --engine flite --minutes 5`
    """
    from duologue.data.synth import synth as fill_bank

    fill_bank(minutes, engine, utterances, own_share)


@synth.command()
def shards(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the shards.")],
    count: Annotated[int, typer.Option(min=1, help="How many, of ten minutes of conversation each.")] = 6,
    split: Annotated[Literal["train", "test"], typer.Option(help="Which voices and phrases.")] = "train",
    augment: Annotated[Literal["clean", "mild", "train", "test-noise"], typer.Option(help="Rooms, noise, network.")] = "train",
    family: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=WEIGHT]", help="Only these; may be repeated. Default: all, evenly."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    seed: Seed = 0,
) -> None:
    """Render conversations of all families, spoken by the voice bank, into training data.

    **Example:** `duologue synth shards --out data/train --count 60 --workers 2`
    """
    from rich.progress import Progress

    from duologue.data.bank import Bank
    from duologue.data.shards import SHARD_S, Recipe, make_shards, weighted_families

    recipe = Recipe(Bank(), weighted_families(dict(map(_weight, family or ()))), seed, split, augment)
    with Progress() as bar:
        task = bar.add_task("shards", total=count)
        tally = make_shards(out, count * SHARD_S, recipe, workers=workers, progress=lambda n: bar.update(task, completed=n))
    typer.echo(f"{tally.hours:.2f} h of conversation in {out}")


@synth.command()
def look(
    family: Annotated[list[str] | None, typer.Option(help="Only this family; may be repeated. Default: all.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The page.")] = Path("look.html"),
    count: Annotated[int, typer.Option(min=1, help="Scripts of each family.")] = 4,
    split: Annotated[Literal["train", "test"], typer.Option(help="Which voices, phrases and pictures.")] = "train",
    seed: Seed = 0,
) -> None:
    """Draw some scripts as film strips with their labels, to check the data by eye.

    **Example:** `duologue synth look --family watch --out page.html`
    """
    import numpy as np

    from duologue.data.bank import Bank
    from duologue.data.look import page
    from duologue.data.shards import weighted_families

    families, bank = weighted_families(dict.fromkeys(family or (), 1.0)), Bank()
    rngs = [np.random.default_rng([seed, number]) for number in range(count)]
    out.write_text(page([module.script(rng, bank, split) for module, _ in families.values() for rng in rngs]))
    typer.echo(f"{count * len(families)} scripts in {out}")


def _weight(text: str) -> tuple[str, float]:
    name, _, weight = text.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        raise ConfigError(f"--family {text!r}: write NAME or NAME=WEIGHT, for example --family pause=2") from None


@train.command()
def pretrain(
    data: Annotated[Path, typer.Argument(help="Folder of shards.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; it goes on where this stopped.")],
    preset: Preset = "nano",
    steps: Annotated[int, typer.Option(min=1, help="Of the optimiser.")] = 10_000,
    minutes: Annotated[float, typer.Option(min=0, help="Stop earlier, with a checkpoint, after this time.")] = 1e9,
    rows: Annotated[int, typer.Option(min=1, help="Windows in a batch, over all processes.")] = 10,
    rate: Annotated[float, typer.Option(min=0, help="Times the base learning rates.")] = 1.0,
    decay: Annotated[float, typer.Option(min=0.001, max=1, help="Share of the steps over which the rate falls.")] = 0.3,
    init: Annotated[Path | None, typer.Option(help="Weights to begin with, instead of nothing.")] = None,
    seed: Seed = 0,
) -> None:
    """Train an interaction model, every loss at once. Under `torchrun`, processes share the rows.

    **Example:** `duologue train pretrain data/train --out runs/mine --preset pico --minutes 20`
    """
    from duologue import config
    from duologue.train.loop import Plan
    from duologue.train.pretrain import pretrain as run_pretrain

    plan = Plan(out=out, steps=steps, minutes=minutes, rate=rate, decay=decay, seed=seed)
    run_pretrain(data, config.preset(preset), plan, rows, init)


@train.command()
def vocoder(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; it goes on where this stopped.")],
    minutes: Annotated[float, typer.Option(min=0, help="Of computing, over all its runs.")] = 600.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    export: Annotated[Path | None, typer.Option(help="Do not train: write the weights to this file.")] = None,
) -> None:
    """Train the own voice on the voice bank, or export it.

    **Example:** `duologue train vocoder --out runs/voice --minutes 60`
    """
    from duologue.train import vocoder as voice

    voice.export(out, export) if export else voice.run(out, minutes, threads)


@train.command()
def align(
    sessions: Annotated[
        list[Path] | None, typer.Argument(metavar="SESSION...", help="Logs of sessions, or recordings; none: noise.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Toy models and the first turns only.")] = False,
    checkpoint: Checkpoint = None,
) -> None:
    """Prove that the trainer has the sampler's bits: sessions are lived, then gone through as in training, in several ways.

    **Example:** `duologue train align examples/question.wav --quick`
    """
    from duologue.engine.engine import WEIGHTS
    from duologue.train.align import Finding
    from duologue.train.align import run as run_align

    def show(found: Finding) -> None:
        where = f"{found.model:8}{found.dtype:6}{found.threads} thread{'s' * (found.threads > 1):2}"
        typer.echo(f"{where}{found.way:52}{found.turns:7} turns {found.bits:6} differing bits")

    turns, bits = run_align(sessions or [], checkpoint or WEIGHTS / "nano.safetensors", quick, show)
    typer.echo(f"{turns} turns, {bits} differing bits")
    if bits:
        raise typer.Exit(1)


@app.command("replay")
def replay_session(
    session: Annotated[Path, typer.Argument(help="A recorded session, from `talk --session` or a server that records.")],
    checkpoint: Checkpoint = None,
) -> None:
    """Live a recorded session again: exit 0 when every bit that went out is the same, 1 when not.

    **Example:** `duologue replay session.jsonl`
    """
    from duologue.engine.engine import load
    from duologue.engine.log import replay

    turns, bits = replay(session, load(checkpoint))
    typer.echo(f"{turns} turns, {bits} differing bits")
    raise typer.Exit(bool(bits or not turns))


@app.command()
def plan(preset: Annotated[str, typer.Argument(help="nano, pico or tiny.")] = "nano") -> None:
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
    except ModuleNotFoundError as error:
        _stop(f"{error.name} is not installed; this command needs: pip install 'duologue[serve,agent,train,synth,eval]'", 2)
    except (KeyboardInterrupt, typer.Abort):
        _stop("stopped", 130)


def _stop(message: str, code: int) -> None:
    print("duologue:", " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
