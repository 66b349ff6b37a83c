"""Mix: several family scripts end to end, with one voice, as one longer conversation."""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

import numpy as np

from duologue.data.families import sight
from duologue.data.script import Check, Script, View
from duologue.errors import DataError

WATCHED = 0.1  # of the conversations in which nothing is shown
UNASKED = 0.12  # in training, of the conversations that begin with something shown: nobody asks about it


def shifted(script: Script, by_s: float) -> Script:
    """The same conversation `by_s` seconds later; its length grows by as much."""
    return Script(
        script.family,
        script.length_s + by_s,
        [replace(sound, start_s=sound.start_s + by_s) for sound in script.sounds],
        [replace(own, start_s=own.start_s + by_s, cut_s=_later(own.cut_s, by_s)) for own in script.own],
        *([(at_s + by_s, *rest) for at_s, *rest in lane] for lane in _lanes(script)),
        [
            replace(c, start_s=c.start_s + by_s, end_s=c.end_s + by_s, after_s=_later(c.after_s, by_s))
            for c in script.checks
        ],
        script.about,
        [replace(view, start_s=view.start_s + by_s, end_s=view.end_s + by_s) for view in script.views],
    )


def joined(first: Script, then: Script) -> Script:
    """`first`, and right after it `then`. The joint falls on a turn boundary, so that own speech keeps to turns."""
    turns_s = float(np.ceil(first.length_s / 0.2 - 1e-6) * 0.2)
    then = shifted(then, turns_s)
    return Script(
        "mix",
        then.length_s,
        first.sounds + then.sounds,
        first.own + then.own,
        *(a + b for a, b in zip(_lanes(first), _lanes(then), strict=True)),
        first.checks + then.checks,
        {"parts": [*first.about.get("parts", [first.family]), then.family]} | _voice(first, then),
        first.views + then.views,
    )


def conversation(
    rng: np.random.Generator, bank, split: str, families: Mapping[str, tuple[ModuleType, float]], length_s: float
) -> Script:
    """Scripts of random families with one voice, joined up to `length_s` (one at least, however long it is).

    Args:
        families: name -> (family module, weight). A family for which the bank lacks the voice is passed over.
    Raises DataError when no family can make a script.
    """
    left = dict(families)
    whole: Script | None = None
    while left:
        name = _draw(rng, left)
        try:
            part = left[name][0].script(rng, bank, split, voice=whole.about.get("voice") if whole else None)
        except DataError:
            del left[name]
            continue
        if whole and whole.length_s + part.length_s > length_s:
            return whole
        if split == "train" and whole is None and part.views and rng.random() < UNASKED:
            part = unasked(part)
        whole = joined(whole, part) if whole else part
    if whole is None:
        raise DataError(f"the bank has no speech for any of {', '.join(families)}: synthesise more (duologue synth)")
    return whole


def watched(script: Script, rng: np.random.Generator, split: str, share: float) -> Script:
    """Now and then the camera is on though nobody speaks of what it sees; where scenes cannot be drawn it stays off."""
    if script.views or rng.random() >= share:
        return script
    stage = sight.unrelated(rng, split, script.length_s)
    try:
        stage.show(0.0)
    except DataError:  # photographs or emoji are not installed; `see` and its like are passed over then, too
        return script
    return replace(script, views=[View(0.0, script.length_s, stage.show, stage=stage, beside=True)])


def unasked(script: Script) -> Script:
    """The same film and nobody who asks about it: there is nothing to say."""
    quiet = [Check("quiet", 0.0, script.length_s)]
    views = [replace(view, events_s=(), beside=True) for view in script.views]
    return Script(script.family, script.length_s, checks=quiet, about=script.about, views=views)


def _draw(rng: np.random.Generator, families: Mapping[str, tuple[ModuleType, float]]) -> str:
    weights = np.array([weight for _, weight in families.values()])
    return list(families)[rng.choice(len(families), p=weights / weights.sum())]


def _lanes(script: Script) -> tuple[list, list, list, list, list]:
    """What is kept as (time, …) tuples."""
    return script.typed, script.written, script.notes, script.calls, script.shown


def _later(at_s: float | None, by_s: float) -> float | None:
    return None if at_s is None else at_s + by_s


def _voice(first: Script, then: Script) -> dict:
    """The voice of the whole (a part in which nobody speaks has none)."""
    return {"voice": first.about.get("voice") or then.about.get("voice"), "split": first.about.get("split")}
