"""The figures as tables for people: each row with its interval, its number of cases, the ceiling and what is aimed at.

`show` is the table of `quick`, `show_suites` that of the suites.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from duologue.evals.runs import HEADLINED

ROWS = {  # row -> (what it says, at least; a leading "<" is at most)
    "answers": ("answers right, all families", "92"),
    "pause": ("takes the turn in an unfinished question", "< 5"),
    "repair": ("the last version answered", "85"),
    "stop": ("silent 0.6 s after the stopping words", "92"),
    "goes_on": ("goes on through what is not meant for it", "88"),
    "time/once": ("one-shot timer within 0.5 s", "85"),
    "time/every": ("every slot of a periodic timer", "75"),
}
WORDS = {"hear/clean": ("heard words wrong, clean", "< 4"), "hear/noise": ("… in noise and rooms", "< 10"),
         "hear/human": ("… of a human voice", "stated")}  # fmt: skip


def show(result: dict, console: Console | None = None) -> None:
    """Prints the table, and why what failed did."""
    console, about = console or Console(width=140), result["about"]
    where = "frozen items" if about["frozen"] else "items drawn from the local voice bank"
    table = Table(title=f"quick: {where}, seed {about['seed']}")
    for name in ("row", "%", "95 %", "cases", "likely %", "aim", "ceiling", "p50 s", "p90 s", "why not"):
        table.add_column(name, no_wrap=name != "why not", justify="left" if name in ("row", "why not") else "right")
    for row in _main_rows(result):
        table.add_row(*row)
    console.print(table)
    for failure, count in result["failed"].items():
        console.print(f"failed {count} times: {failure}", markup=False)


def _main_rows(result: dict) -> Iterator[tuple[str, ...]]:
    rows, ceiling = result["rows"], result["ceiling"]
    parts = {name: [part for part in rows if part.startswith(f"{name}/")] for name in ROWS}
    for name, (title, aim) in ROWS.items():
        if name in rows:
            yield _share(title, rows[name], aim, ceiling.get(name))
        yield from (_share(f"  {part}", rows[part], "", ceiling.get(part)) for part in parts[name])
    shown = {*ROWS, *(part for found in parts.values() for part in found)}
    others = [name for name, row in rows.items() if name not in shown and "reasons" in row]
    yield from (_share(f"  {name}", rows[name], "", ceiling.get(name)) for name in others)
    yield from ((title, *_figures(rows[name]), "", aim, *[""] * 4) for name, (title, aim) in WORDS.items() if name in rows)
    yield from _loss(rows.get("loss"))
    yield from _voice(rows.get("voice"), ceiling.get("voice") or {})
    if turn := rows.get("turn"):
        yield ("one speaking turn, p99 ms", f"{turn['p99_ms']:.0f}", "", str(turn["turns"]), "", "< 40", "", "", "", turn["dtype"])


def _share(title: str, row: dict, aim: str, ceiling: dict | None) -> tuple[str, ...]:
    """`likely` counts what was misheard, but is a right one as the likeliest of all the answers of the world."""
    why = ", ".join(f"{reason} {n}" for reason, n in list(row["reasons"].items())[:3])
    late = [f"{row[q]:.2f}" if q in row else "" for q in ("p50_s", "p90_s")]
    likely = f"{row['likely']['percent']:.1f}" if row["likely"] != row["right"] else ""
    best = f"{ceiling['right']:.0f} {ceiling['likely']:.0f}" if ceiling else ""
    return (title, *_figures(row.get("taken", row["right"])), likely, aim, best, *late, why)


def _figures(r: dict) -> list[str]:
    if "skipped" in r or math.isnan(r["percent"]):
        return ["", "", r.get("skipped", "no cases")[:40]]
    return [f"{r['percent']:.1f}", f"{r['low']:.0f}-{r['high']:.0f}", str(r["cases"])]


def _loss(row: dict | None) -> Iterator[tuple[str, ...]]:
    if row:
        why = f"without loss {row['without']['percent']:.1f}"
        yield ("answers right, 5 % of the audio lost", *_figures(row["right"]), "", "", "", "", "", why)
        yield ("… points against no loss, paired", *_figures(row["points"]), "", "> -5", "", "", "", "")


def _voice(row: dict | None, ceiling: dict) -> Iterator[tuple[str, ...]]:
    if not row:
        return
    known = ceiling.get("words_wrong")
    if row["words_wrong"]:
        yield ("own voice: words misheard", *_figures(row["words_wrong"]), "", "< 8", f"{known['percent']:.1f}" if known else "", "", "", "")
    for name, title, aim in (("dnsmos_p808", "own voice: DNSMOS P808", "3.9"), ("similarity", "own voice: similarity", "0.85")):
        best = ceiling.get(name)
        if row[name]:
            yield (title, f"{row[name]['mean']:.2f}", "", str(row[name]["clips"]), "", aim, f"{best['mean']:.2f}" if best else "", "", "", "")


def show_suites(found: Sequence[dict], ceilings: Mapping[str, Mapping], console: Console | None = None) -> None:
    """Prints each system's headline on each suite, then all other figures, then what failed."""
    console = console or Console(width=140)
    table = Table("suite", "system", "headline", "%", "95 %", "cases", "at most by chance", "ceiling", title="headlines")
    for summary in found:
        table.add_row(*_headline(summary, ceilings.get(summary["suite"], {}).get(summary["headline"])))
    console.print(table)
    for summary in found:
        parts = [f"{name} {number(figure)}" for name, figure in summary["figures"].items()]
        console.print(f"{summary['suite']}, {summary['system']}: {'; '.join(parts)}", markup=False, highlight=False)
    show_failures(found, console)


def _headline(summary: dict, ceiling: float | None) -> tuple[str, ...]:
    figure = summary["figures"][summary["headline"]]
    value = "" if figure["value"] is None else f"{figure['value']:.1f}"
    spread = "" if figure["value"] is None else f"{figure['low']:.0f}-{figure['high']:.0f}"
    chance = "" if summary["chance"] is None else f"{summary['chance']:g}"
    best = "" if ceiling is None else f"{ceiling:.1f}" + (" (not headlined)" if ceiling < HEADLINED else "")
    return summary["suite"], summary["system"], summary["headline"], value, spread, str(figure["cases"]), chance, best


def number(figure: dict) -> str:
    """A figure with its interval, unit and number of cases."""
    if figure["value"] is None:
        return f"- (n={figure['cases']})"
    spread = f"{figure['low']:.3g} to {figure['high']:.3g}"
    return f"{figure['value']:.3g} {figure['unit']} ({spread}, n={figure['cases']})"


def show_copies(found: dict, console: Console | None = None) -> None:
    """Prints the originals and the vocoder's copies, one under the other."""
    about, rows = found["about"], ("words_wrong", "dnsmos_p808", "similarity")
    title = f"copy synthesis: {about['sentences']} sentences, {about['seconds']:.0f} s"
    table = Table("", "words wrong", "DNSMOS P808", "similarity to the own voice", title=title)
    for name in ("original", "copy"):
        table.add_row(name, *(number(found[name][row]) for row in rows))
    (console or Console(width=140)).print(table)


def show_whole(found: dict, console: Console | None = None) -> None:
    """Prints what `whole.summary` found."""
    table = Table(title=f"the whole product, {found['visits']} visits")
    for name in ("", "%", "95 %", "cases"):
        table.add_column(name, justify="right" if name else "left")
    for name, row in found["rates"].items():
        table.add_row(name, f"{row['percent']:.0f}", f"{row['low']:.0f} to {row['high']:.0f}", str(row["cases"]))
    (ack, ack90), (told, told90), (turn, turn99) = found["ack_s"], found["told_s"], found["turn_ms"]
    table.caption = f"acknowledged after {ack:.2f} / {ack90:.2f} s, told {told:.2f} / {told90:.2f} s after it came (p50 / p90); "
    table.caption += f"a turn {turn:.0f} / {turn99:.0f} ms (p50 / p99)"
    (console or Console(width=100)).print(table)


def show_attacks(system: str, found: dict, console: Console | None = None) -> None:
    """Prints what the red team found: leaks and refusals, of the fixed list, of the search, by way of attacking."""
    titles = ("attacks", "leaked %", "95 %", "sessions", "heard %", "said %", "requests refused %", "95 %", "requests", "handed on %", "not voiced", "failed")
    table = Table(*titles, title=f"red team against {system}")
    for name, row in found["rows"].items():
        left_out = [str(row[name] or "") for name in ("not_voiced", "failed")]
        heard, said, handed_on = (_with_interval(row[name])[0] for name in ("leaked/heard", "leaked/said", "handed_on"))
        table.add_row(name, *_with_interval(row["leaked"]), heard, said, *_with_interval(row["refused"]), handed_on, *left_out)
    console = console or Console(width=140)
    console.print(table)
    for failure, count in Counter(found["failed"]).items():
        console.print(f"failed {count} times: {failure}", markup=False)


def _with_interval(figure: dict) -> tuple[str, str, str]:
    if figure["value"] is None:
        return "", "", "0"
    return f"{figure['value']:.1f}", f"{figure['low']:.0f}-{figure['high']:.0f}", str(figure["cases"])


def show_short(found: Sequence[dict], console: Console | None = None) -> None:
    """One line, on standard error, for each row of a suite that has fewer cases than were asked for."""
    console = console or Console(width=140, stderr=True)
    rows = dict.fromkeys((summary["suite"], row, *count) for summary in found for row, count in summary["short"].items())
    for suite, row, there, wanted in rows:
        told = f"{suite}: {row} has {there} cases of {wanted} asked for; the voice bank lacks lines (duologue synth voices --split test)"
        console.print(told, markup=False, highlight=False)


def show_failures(found: Sequence[dict], console: Console | None = None) -> None:
    """One line for each reason for which cases failed; they are in every denominator."""
    console = console or Console(width=140)
    for summary in found:
        for failure, count in summary["failed"].items():
            console.print(f"{summary['suite']}, {summary['system']}: failed {count} times: {failure}", markup=False)
