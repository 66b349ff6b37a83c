"""`duologue eval`: the commands, thin; each imports what it needs when it runs."""

from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from duologue.agent import options

judge = typer.Typer(help="Measure it, by what is heard in its output.", no_args_is_help=True)
Checkpoint = Annotated[Path | None, typer.Option(help="Weights to use instead of the shipped ones.")]
Device = Annotated[str, typer.Option(help="Where ours computes: cpu, cuda or cuda:N.")]
Seed = Annotated[int, typer.Option(help="Same seed, same bits.")]
Suites = Annotated[list[str], typer.Argument(metavar="SUITE...", help="Names of `duologue eval --list`, or all.")]
Cases = Annotated[int, typer.Option(min=1, help="Of each kind; up to 60 are frozen, more need a voice bank.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")]


def _list_suites(wanted: bool) -> None:
    if wanted:
        from duologue.evals.suites import GROUPS

        for suite in (suite for suites in GROUPS.values() for suite in suites.values()):
            typer.echo(f"{suite.name:12} {suite.asks}. Mirrors {suite.mirrors}.")
        raise typer.Exit


@judge.callback()
def _judge(
    listed: Annotated[
        bool, typer.Option("--list", callback=_list_suites, is_eager=True, help="Print the suites, one a line.")
    ] = False,
) -> None:
    """Measure a system, by what is heard in its output."""


@contextmanager
def progress_bar():
    """A bar on the terminal, as a function of what is done, how much of how much."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading")
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


@judge.command("run")
def run_suites(
    suites: Suites,
    system: Annotated[
        list[str] | None,
        typer.Option(help="ours, a control (oracle, silent, always, random, metronome), cascade, cascade-quiet, engineered or files:FOLDER; may be repeated."),
    ] = None,
    checkpoint: Checkpoint = None,
    cases: Cases = 60,
    channel: Annotated[Literal["clean", "test-noise"], typer.Option(help="What the user's sound goes through.")] = "clean",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; it goes on where this stopped.")] = Path("out/eval"),
    outputs: Annotated[Path | None, typer.Option(help="Keep what is said here, in Full-Duplex-Bench's layout.")] = None,
    frozen: Annotated[Path | None, typer.Option("--set", help="Conversations of this frozen set, all of them (see eval freeze).")] = None,
    device: Device = "cpu",
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Measure systems on suites. What a case came to is stored at once, so a run that was stopped goes on.

    **Example:** `duologue eval run pause turn --system ours --system silent --cases 20`
    """
    import json

    from duologue.device import chosen as chosen_device
    from duologue.evals.contestants import contestant
    from duologue.evals.report import show_short, show_suites
    from duologue.evals.runs import Asked, ceiling_of, ceilings, run_all
    from duologue.evals.suites import chosen

    wanted = chosen(suites)
    where = chosen_device(device)
    who = [contestant(name, checkpoint, where) for name in system or ["ours"]]
    asked = Asked(out, cases, seed, channel, outputs, frozen)
    with progress_bar() as progress:
        found = run_all(wanted, who, asked, progress, listened=lambda one: one.name == "oracle" or not one.is_control)
    show_short(found)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        show_suites(found, ceilings() | ceiling_of(found))


@judge.command("delegation")
def run_delegation(
    system: Annotated[list[str] | None, typer.Option(help="As of `run`; may be repeated.")] = None,
    checkpoint: Checkpoint = None,
    cases: Cases = 60,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; it goes on where this stopped.")] = Path("out/eval"),
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Measure delegation with presence: `run delegation`, with the background side on the turns' own clock.

    **Example:** `duologue eval delegation --system ours --system engineered --cases 20`
    """
    run_suites(["delegation"], system, checkpoint, cases, out=out, as_json=as_json, seed=seed)


@judge.command()
def whole(
    model: options.Model = None,
    base_url: options.BaseUrl = None,
    api: options.Api = "chat",
    ears: options.Ears = None,
    mcp: options.Mcp = None,
    allow: options.Allow = None,
    checkpoint: Checkpoint = None,
    cases: Annotated[int, typer.Option(min=1, help="Visits, some 40 s each: they take the world's time.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Measure the whole product at once: open questions, live, a language model behind; the user says "wait", "go on", "skip that".

    **Example:** `duologue eval whole --model llama3 --base-url http://localhost:11434/v1`
    """
    import json
    from functools import partial

    from duologue.agent.behind import Behind, agents
    from duologue.data.bank import Bank
    from duologue.engine.engine import load
    from duologue.evals.report import show_whole
    from duologue.evals.whole import lines, summary, visits
    from duologue.live import Conversation

    behind = Behind.of(model=model, base_url=base_url, api=api, ears=ears, mcp=mcp, allow=allow)
    bank, voiced, seen = Bank(), load(checkpoint), []
    users = [lines(bank, number) for number in range(cases)]
    with progress_bar() as progress:
        for visit in visits(partial(Conversation, None, voiced=voiced), agents(behind), users):
            seen.append(visit)
            progress("visits", len(seen), cases)
    found = summary(seen)
    typer.echo(json.dumps(found, indent=1)) if as_json else show_whole(found)


@judge.command("inputs")
def write_inputs(
    suites: Suites,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for SUITE/NUMBER/input.wav and labels.")],
    cases: Cases = 60,
    seed: Seed = 0,
) -> None:
    """Write what the users say as files; a system puts its output.wav beside each, and `run --system files:FOLDER` judges it.

    **Example:** `duologue eval inputs pause turn --out inputs --cases 20`
    """
    from duologue.evals.files import write_inputs as write
    from duologue.evals.runs import Asked, cases_of, source_of
    from duologue.evals.suites import chosen

    source, asked = source_of(cases), Asked(out, cases, seed)
    for suite in chosen(suites):
        drawn = suite.items(source, cases)
        write(suite.name, drawn, cases_of(suite.name, drawn, asked), out)
        typer.echo(f"{len(drawn)} inputs in {out / suite.name}")


@judge.command()
def freeze(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    cases: Annotated[int, typer.Option(min=1, help="Conversations of each kind.")] = 8,
    seed: Seed = 2026,
) -> None:
    """Write a frozen set of conversations with pictures, for anybody: sound, films, labels, hashes, CC-BY-4.0.

    **Example:** `duologue eval freeze eyes-1`, then `duologue eval run eyes --set eyes-1 --system files:outputs`
    """
    from duologue.evals.sets import about, digest
    from duologue.evals.sets import freeze as write_set
    from duologue.evals.voicing import Voicing, spoken

    with progress_bar() as progress:
        counts = write_set(folder, cases, seed, Voicing(spoken), progress)
    for name, count in counts.items():
        typer.echo(f"{count} conversations in {folder / name}")
    typer.echo(f"version {about(folder)['version']}, sha256 of its hashes {digest(folder)}")


@judge.command()
def curve(
    system: Annotated[Literal["ours", "cascade", "cascade-quiet"], typer.Option(help="Whose dial is turned.")] = "ours",
    checkpoint: Checkpoint = None,
    cases: Cases = 60,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; it goes on where this stopped.")] = Path("out/curve"),
    seed: Seed = 0,
) -> None:
    """Measure a system at every setting of its dial, and keep the curve where reports find it.

    **Example:** `duologue eval curve --system cascade --cases 20`
    """
    from duologue.evals import curves
    from duologue.evals.runs import Asked

    with progress_bar() as progress:
        found = curves.curve(system, curves.settings(system, checkpoint), Asked(out, cases, seed), progress)
    typer.echo(f"wrote {curves.keep(found, curves.FOLDER)}")


@judge.command("report")
def write_report(
    tier: Annotated[Literal["quick", "report"], typer.Option(help="quick: few cases, controls by their own words.")] = "quick",
    out: Annotated[Path, typer.Option("--out", "-o", help="The page; figures as JSON lie beside it.")] = Path("report.html"),
    run: Annotated[Path, typer.Option(help="Folder of the run; it goes on where this stopped.")] = Path("out/report"),
    suite: Annotated[list[str] | None, typer.Option(help="Only this suite, or group of suites; may be repeated.")] = None,
    frozen: Annotated[Path | None, typer.Option("--set", help="Conversations of this frozen set, all of them; its suites are those of eyes.")] = None,
    cases: Annotated[int | None, typer.Option(min=1, help="Of each kind, instead of the tier's.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Besides ours and the controls; may be repeated.")] = None,
    checkpoint: Checkpoint = None,
    seed: Seed = 0,
) -> None:
    """Measure ours and the controls on all suites, and write it all on one page that needs no code to be understood.

    **Example:** `duologue eval report --tier quick --out report.html`, or `duologue eval report --set eyes-1 --run out/eyes`
    """
    from duologue.evals.contestants import contestant
    from duologue.evals.page import TIERS
    from duologue.evals.page import report as run_report
    from duologue.evals.report import show_failures, show_short
    from duologue.evals.runs import Asked
    from duologue.evals.sets import about
    from duologue.evals.suites import chosen
    from duologue.evals.systems import CONTROLS

    cases = cases or (about(frozen)["cases"] if frozen else TIERS[tier])
    suites = chosen(suite or ["eyes" if frozen else "all"])
    who = [contestant(name, checkpoint) for name in ("ours", *CONTROLS, *(system or ()))]
    with progress_bar() as progress:
        found = run_report(tier, suites, who, Asked(run, cases, seed, set=frozen), out, progress)
    show_failures(found)
    show_short(found)
    typer.echo(f"wrote {out} and {out.with_suffix('.json')}")


@judge.command()
def quick(
    checkpoint: Checkpoint = None,
    cases: Cases = 60,
    row: Annotated[list[str] | None, typer.Option(help="Only this row of the table; may be repeated.")] = None,
    device: Device = "cpu",
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Print the table of the model card: right answers, timing, heard words, each with its interval and number of cases.

    **Example:** `duologue eval quick --json > figures.json`
    """
    import json

    from duologue.device import chosen
    from duologue.evals.quick import quick as run_quick
    from duologue.evals.report import show

    with progress_bar() as progress:
        result = run_quick(checkpoint, cases, seed, row, progress, chosen(device))
    if as_json:
        typer.echo(json.dumps(result, indent=1))
    else:
        show(result)


@judge.command("copy")
def copy_sounds(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Recordings, the words in a .txt beside each; none: the voice bank's test sentences.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A vocoder to use instead of the shipped one.")] = None,
    cases: Annotated[int, typer.Option(min=1, help="Sentences of the voice bank, or as many as there are.")] = 22,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the pairs as wav files, to listen to.")] = None,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Judge the vocoder alone: the own voice's sentences to log-mel and back, originals beside copies.

    **Example:** `duologue eval copy --out out/copies`
    """
    import json

    from duologue.evals.copying import copy
    from duologue.evals.report import show_copies

    with progress_bar() as progress:
        found = copy(files or (), checkpoint, cases, seed, out, progress)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        show_copies(found)
