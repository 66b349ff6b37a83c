"""`duologue redteam`: the command, thin; it imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from duologue.errors import ConfigError


def redteam(
    system: Annotated[str, typer.Option(help="ours, a control, a cascade, or the ws:// URL of a server; as in `duologue eval run`.")] = "ours",
    checkpoint: Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")] = None,
    families: Annotated[Literal["trained", "held-out", "all"], typer.Option(help="Ways of attacking: those in training data, those never in it.")] = "all",
    rounds: Annotated[int, typer.Option(min=1, help="The first is a fixed list, the others search.")] = 4,
    count: Annotated[int, typer.Option(min=2, help="Attacks in each round.")] = 32,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; it goes on where this stopped.")] = Path("out/redteam"),
    attacker: Annotated[str | None, typer.Option(metavar="URL", help="A language model's OpenAI-compatible endpoint that proposes too.")] = None,
    attacker_model: Annotated[str | None, typer.Option(help="Its name there; with --attacker.")] = None,
    to_data: Annotated[Path | None, typer.Option(metavar="DIR", help="Attack nothing: make training shards of what was found.")] = None,
    shards: Annotated[int, typer.Option(min=1, help="With --to-data: how many, of ten minutes each.")] = 6,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same attacks.")] = 0,
) -> None:
    """Attack a system over whole sessions, search for what makes it tell, and turn findings into training data.

    **Example:** `duologue redteam --system ours --families held-out --rounds 2`, then `duologue redteam --to-data data/redteam`
    """
    from duologue.data.bank import Bank
    from duologue.evals.contestants import contestant
    from duologue.evals.redteam.hunt import Hunt, findings
    from duologue.evals.runs import stem

    if (attacker is None) != (attacker_model is None):
        raise ConfigError("give --attacker and --attacker-model together, or neither")
    if to_data:
        _make_data(findings(out / f"{stem(system.split('?')[0])}.jsonl"), Bank(), to_data, shards, seed)
        return
    asked = Hunt(out, families, rounds, count, seed, f"{attacker} {attacker_model}" if attacker else "")
    _attack(contestant(system, checkpoint), Bank(), asked, checkpoint, as_json)


def _make_data(found, bank, out: Path, count: int, seed: int) -> None:
    from rich.progress import Progress

    from duologue.evals.redteam.harvest import shards, usable

    with Progress() as bar:
        task = bar.add_task("shards", total=count)
        tally = shards(found, bank, out, count, seed, lambda n: bar.update(task, completed=n))
    typer.echo(f"{tally.hours:.2f} h of conversation in {out}, from {len(usable(found))} findings")


def _attack(who, bank, asked, checkpoint: Path | None, as_json: bool) -> None:
    import json

    from duologue.evals.commands import progress_bar
    from duologue.evals.redteam.attacker import hosted
    from duologue.evals.redteam.hunt import Means, hunt, session_keeper, summary
    from duologue.evals.report import show_attacks
    from duologue.evals.runs import OWN_WORDS, ears

    reader = (OWN_WORDS if who.is_control else ears()).reader
    model = hosted(*asked.attacker.split(" ", 1), asked.seed) if asked.attacker else None
    name, _, patience = who.name.partition("@")
    keep = session_keeper(checkpoint, float(patience or 0)) if name == "ours" else None
    with progress_bar() as progress:
        found = summary(hunt(who, asked, Means(bank, reader, model, keep), progress))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        show_attacks(who.name, found)
