"""`duologue synth`: the commands, thin; each imports what it needs when it runs."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

synth = typer.Typer(help="Make what it learns from: voices, and conversations spoken by them.", no_args_is_help=True)
Seed = Annotated[int, typer.Option(help="Same seed, same bits.")]


@synth.command()
def voices(
    engine: Annotated[Literal["kokoro", "flite", "festival", "espeak"], typer.Option(help="Who speaks.")] = "kokoro",
    minutes: Annotated[float, typer.Option(min=0, help="Stop after this time.")] = 60.0,
    utterances: Annotated[int, typer.Option(min=1, help="Stop after this many.")] = sys.maxsize,
    own_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="The own voice's share of the calls (Kokoro only).")
    ] = None,
    family: Annotated[
        list[str] | None, typer.Option(help="Only lines of this family, and open texts; may be repeated. Default: all.")
    ] = None,
    split: Annotated[
        Literal["train", "test"] | None, typer.Option(help="Only the users' voices of this side, not the own one. Default: all.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that speak.")] = 1,
) -> None:
    """Fill the voice bank with utterances and their word times. What is there is not said again.

    **Example:** `duologue synth voices --engine flite --minutes 5`

    **What attacks are spoken with:** `duologue synth voices --split test --family refuse --minutes 30`
    """
    from duologue.data.synth import What
    from duologue.data.synth import synth as fill_bank

    fill_bank(What(engine, own_share, family or (), split or ""), minutes, utterances, workers)


@synth.command()
def spanish() -> None:
    """Put Spanish that a person recorded into the voice bank: nouns with article and adjective, fetched from Debian with apt.

    **Example:** `duologue synth spanish`
    """
    from duologue.data.recorded_spanish import fill

    utterances, seconds = fill()
    typer.echo(f"{utterances} utterances, {seconds:.0f} s of sound")


@synth.command()
def actors(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the recordings; without it, one in the cache.")] = None,
) -> None:
    """Lay out English that actors recorded for a game, fetched from Debian with apt: 6,300 sounds with their texts.

    **Example:** `duologue synth actors --out actors && duologue train pretrain --out runs/mine --recordings actors`
    """
    from duologue.data.actors import extract

    folder, count = extract(out)
    typer.echo(f"{count} recordings with their texts in {folder}")


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
    recordings: Annotated[
        Path | None,
        typer.Option(help="Mix these in: sounds with a .txt beside each; LJSpeech, LibriSpeech, Common Voice; Lhotse manifests."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    seed: Seed = 0,
) -> None:
    """Render conversations of all families, spoken by the voice bank (and people's recordings), into training data.

    **Example:** `duologue synth shards --out data/train --count 60 --workers 2 --recordings LibriSpeech/train-clean-100`
    """
    from rich.progress import Progress

    from duologue.data.bank import Bank
    from duologue.data.recordings import adopted
    from duologue.data.shards import SHARD_S, Recipe, chosen_families, make_shards

    families = chosen_families(family or ())
    with Progress() as bar:
        reading = bar.add_task("recordings", total=None, visible=bool(recordings))
        taken = adopted(recordings, lambda n, of: bar.update(reading, completed=n, total=of)) if recordings else None
        recipe = Recipe(Bank(recordings=taken and taken.folder), families, seed, split, augment)
        task = bar.add_task("shards", total=count)
        tally = make_shards(out, count * SHARD_S, recipe, workers=workers, progress=lambda n: bar.update(task, completed=n))
    if taken:
        typer.echo(str(taken))
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
    from duologue.data.shards import chosen_families

    families, bank = chosen_families(family or ()), Bank()
    rngs = [np.random.default_rng([seed, number]) for number in range(count)]
    out.write_text(page([module.script(rng, bank, split) for module, _ in families.values() for rng in rngs]))
    typer.echo(f"{count * len(families)} scripts in {out}")

