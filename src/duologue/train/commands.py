"""`duologue train`: the commands, thin; each imports what it needs when it runs."""

import math
from pathlib import Path
from typing import Annotated

import typer

from duologue.config import PRESETS
from duologue.errors import ConfigError
from duologue.kernels import with_tiles

train = typer.Typer(help="Train a part of the model. Every run goes on where its folder stopped.", no_args_is_help=True)
Checkpoint = Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; it goes on where this stopped.")]
Steps = Annotated[int, typer.Option(min=1, help="Of the optimiser.")]
Minutes = Annotated[float, typer.Option(min=0, help="Stop earlier, with a checkpoint, after this time; the learning rate falls towards it.")]
Rate = Annotated[float, typer.Option(min=0, help="Times the base learning rates.")]
Decay = Annotated[float, typer.Option(min=0.001, max=1, help="Share of the steps, or of the time, over which the rate falls.")]
Windows = Annotated[int, typer.Option(min=1, help="Windows in a batch, over all processes.")]
Init = Annotated[Path | None, typer.Option(help="Weights to begin with, instead of nothing.")]
Data = Annotated[Path | None, typer.Argument(help="Folder of shards. Without it, conversations are rendered as they are needed.")]
Family = Annotated[
    list[str] | None, typer.Option(metavar="NAME[=WEIGHT]", help="Without DATA, only these; may be repeated. Default: all, evenly.")
]
Preset = Annotated[str, typer.Option(help=f"One of {', '.join(PRESETS)}.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N; without it, a GPU if there is one.")]
Seed = Annotated[int, typer.Option(help="Same seed, same bits.")]


@train.command()
def pretrain(
    out: Out,
    data: Data = None,
    family: Family = None,
    recordings: Annotated[
        Path | None, typer.Option(help="Without DATA, mix these in: sounds with texts, or a corpus (`duologue synth shards --help`).")
    ] = None,
    preset: Preset = "nano",
    steps: Steps = 10_000,
    minutes: Minutes = math.inf,
    rows: Windows = 10,
    rate: Rate = 1.0,
    decay: Decay = 0.3,
    init: Init = None,
    ears: Annotated[bool, typer.Option("--ears", help="Only the front, which learns to spell what it hears (CTC): first of all.")] = False,
    eyes: Annotated[bool, typer.Option("--eyes", help="Only what pictures pass through; the camera is always on: last of all.")] = False,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Train an interaction model, every loss at once. Under `torchrun`, processes share the rows, each with a GPU of its own.

    Conversations come from a folder of shards, or are rendered as they are needed, used a few times and forgotten.

    **Example:** `duologue train pretrain --out runs/mine --preset pico --minutes 20`
    """
    with_tiles()
    from duologue import config
    from duologue.data.mix import WATCHED
    from duologue.data.shards import chosen_families
    from duologue.device import chosen
    from duologue.train.feed import recipe
    from duologue.train.loop import Plan
    from duologue.train.pretrain import pretrain as run_pretrain

    plan = Plan(out=out, steps=steps, minutes=minutes, rate=rate, decay=decay, seed=seed, device=chosen(device))
    if ears and eyes:
        raise ConfigError("--ears and --eyes each train one part alone: leave out one or the other")
    if data and (family or recordings):
        raise ConfigError(f"{data} has been rendered, and --family and --recordings say what to render: leave out one or the other")
    source = data or recipe(chosen_families(family or ()), seed, recordings, watched=1.0 if eyes else WATCHED)
    run_pretrain(source, config.preset(preset), plan, rows, init, "ears" if ears else "eyes" if eyes else "all")


@train.command()
def teach(
    out: Out,
    new: Annotated[list[str], typer.Option("--family", metavar="NAME[=WEIGHT]", help="What is to be learned; may be repeated.")],
    known: Annotated[list[str], typer.Option(metavar="NAME[=WEIGHT]", help="What is to stay as it is; may be repeated.")],
    init: Annotated[Path | None, typer.Option(help="Weights to begin with, instead of the shipped ones.")] = None,
    keeping: Annotated[Path | None, typer.Option(help="Weights whose old skills are kept, instead of those that it begins with.")] = None,
    steps: Steps = 2_000,
    minutes: Minutes = math.inf,
    rows: Windows = 20,
    rate: Rate = 0.6,
    decay: Decay = 0.5,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Train the trunk on new skills while the old ones are distilled from the weights that it begins with. Pictures come after, by
    `pretrain --eyes`.

    **Example:** `duologue train teach --out runs/cues --family cue --family correct_me --known talk=2 --known hear --known pause`
    """
    with_tiles()
    from duologue.data.shards import chosen_families
    from duologue.device import chosen
    from duologue.engine.engine import WEIGHTS
    from duologue.train.feed import recipe
    from duologue.train.loop import Plan
    from duologue.train.teach import teach as run_teach

    plan = Plan(out=out, steps=steps, minutes=minutes, rate=rate, decay=decay, seed=seed, device=chosen(device))
    recipes = [recipe(chosen_families(names), at, watched=0.0) for names, at in ((new, seed), (known, seed + 1))]
    begin = init or WEIGHTS / "nano.safetensors"
    run_teach(*recipes, plan, rows, begin, keeping or begin)


@train.command()
def eyes(
    out: Out,
    preset: Preset = "nano",
    steps: Steps = 6_000,
    minutes: Minutes = math.inf,
    rows: Annotated[int, typer.Option(min=1, help="Pictures in a batch, over all processes.")] = 64,
    rate: Rate = 1.0,
    decay: Decay = 0.4,
    init: Init = None,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Train sight alone to name what it sees, before the model looks at it (as `pretrain --ears` does for hearing). Needs no voices.

    **Example:** `duologue train eyes --out runs/eyes --init runs/ears/model.safetensors --minutes 20`
    """
    with_tiles()
    from duologue import config
    from duologue.device import chosen
    from duologue.train.eyes import eyes as run_eyes
    from duologue.train.loop import Plan

    plan = Plan(out=out, steps=steps, minutes=minutes, rate=rate, decay=decay, seed=seed, device=chosen(device))
    run_eyes(config.preset(preset), plan, rows, init)


@train.command()
def mouth(
    out: Out,
    data: Data = None,
    family: Family = None,
    init: Annotated[Path | None, typer.Option(help="Weights to begin with, instead of the shipped ones.")] = None,
    steps: Steps = 3_000,
    minutes: Minutes = math.inf,
    rows: Windows = 24,
    rate: Rate = 0.5,
    decay: Decay = 0.5,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Train the own voice alone: which phonemes it says, and how they sound. What it hears and decides stays as it is.

    **Example:** `duologue train mouth --out runs/mouth --family read=3 --family talk --minutes 60`
    """
    with_tiles()
    from duologue.data.shards import chosen_families
    from duologue.device import chosen
    from duologue.engine.engine import WEIGHTS
    from duologue.train.feed import recipe
    from duologue.train.loop import Plan
    from duologue.train.mouth import mouth as run_mouth

    plan = Plan(out=out, steps=steps, minutes=minutes, rate=rate, decay=decay, seed=seed, device=chosen(device))
    if data and family:
        raise ConfigError(f"{data} has been rendered, and --family says what to render: leave out one or the other")
    run_mouth(data or recipe(chosen_families(family or ()), seed), plan, rows, init or WEIGHTS / "nano.safetensors")


@train.command()
def adapt(
    recordings: Annotated[Path, typer.Option(help="Folder of sounds with texts, or a corpus: `duologue synth shards --help`.")],
    out: Out,
    init: Annotated[Path | None, typer.Option(help="Weights to begin with, instead of the shipped ones.")] = None,
    steps: Steps = 500,
    minutes: Minutes = 40.0,
    rows: Windows = 10,
    rate: Rate = 0.3,
    hours: Annotated[float, typer.Option(min=0.1, help="Of conversation to render.")] = 3.0,
    device: Device = None,
    seed: Seed = 0,
) -> None:
    """Adapt the model to a person's or a corpus's recordings, mixed into what it can do already. Two processes: `torchrun`.

    **Example:** `duologue train adapt --recordings my-voice --out runs/mine`
    """
    with_tiles()
    from duologue.device import chosen
    from duologue.engine.engine import WEIGHTS
    from duologue.train.adapt import ADAPTED
    from duologue.train.adapt import adapt as run_adapt
    from duologue.train.loop import Plan

    where = chosen(device)
    plan = Plan(out=out, steps=steps, minutes=minutes, rate=rate, decay=0.5, warmup=20, seed=seed, device=where)
    found = run_adapt(recordings, init or WEIGHTS / "nano.safetensors", plan, max(1, round(hours * 6)), rows)
    if found is None:
        return
    typer.echo(str(found.recordings))
    for name in ("theirs", "others"):
        before, after = getattr(found.before, name), getattr(found.after, name)
        ranges = [f"{r.percent:.0f} % [{r.low:.0f}, {r.high:.0f}]" for r in (before, after)]
        shown = "{} before, {} after, {} conversations".format(*ranges, after.cases) if after.cases else "too few to keep some apart"
        typer.echo(f"heard words wrong, {name}: {shown}")
    typer.echo(f"weights: {out / ADAPTED}")


@train.command()
def average(
    weights: Annotated[list[Path], typer.Argument(help="Checkpoints of one model.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File for their mean.")],
    share: Annotated[list[float] | None, typer.Option(help="Of each checkpoint, in their order; all alike if none is given.")] = None,
) -> None:
    """Take the mean of weights that were trained from one another: it often keeps what each of them can do.

    **Example:** `duologue train average before.safetensors runs/mine/model.safetensors --share 0.4 --share 0.6 --out mean.safetensors`
    """
    from duologue.train.average import average as write_average

    write_average(weights, share or [], out)
    typer.echo(f"wrote {out}")


@train.command()
def vocoder(
    out: Out,
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


@train.command()
def forced(
    data: Annotated[Path, typer.Argument(help="Folder of shards, best of held-out voices (`synth shards --split test`).")],
    checkpoint: Checkpoint = None,
    windows: Annotated[int, typer.Option(min=1, help="Of 24 s each.")] = 40,
) -> None:
    """Print how much of some shards a model predicts, given the true past: the quickest look at what it has learned.

    **Example:** `duologue train forced data/test --checkpoint runs/mine/model.safetensors`
    """
    from duologue.engine.engine import WEIGHTS
    from duologue.model import checkpoint as stored
    from duologue.train.forced import forced as run_forced

    model = stored.load(checkpoint or WEIGHTS / "nano.safetensors")[0].eval()
    for name, r in run_forced(model, data, windows).items():
        typer.echo(f"{name:14}{r.percent:6.1f} % [{r.low:.1f}, {r.high:.1f}] of {r.cases}")
