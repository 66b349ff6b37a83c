"""Four interpreters beside the suite of translation: one waits for the end of what is said, three are one to three words behind.

Upper bars of what a cascade can do: the transcript is the script's own, so no recogniser errs or takes time, the glossary is that
of the family, and the voice is the reference one. What is left is the policy: wait-k reads k words, then says one for each that
it reads (arXiv 1810.08398), and cannot take back what it has said. Read `due`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from duologue.data.families.spanish import english, known
from duologue.data.labels import own_end
from duologue.data.script import Own, Script, Sound, reply_at
from duologue.evals.refusing import hummed
from duologue.evals.systems import Case, System, oracle
from duologue.turn import TurnOut

OVER_S = 0.5  # of silence, after which a sentence is taken for ended
BESIDE_S = 0.02  # between two words

Words = list[tuple[str, float]]  # each with when it has been heard


def _interpreter(behind: int | None, cases: Sequence[Case]) -> list[list[TurnOut]]:
    return oracle([replace(case, script=interpreted(case.script, behind)) for case in cases])


def interpreted(script: Script, behind: int | None) -> Script:
    """The script with what the interpreter says in place of the model; `behind` is None for who waits for the end."""
    voice, own = {o.speech.text: o.speech for o in script.own}, []
    for sentence in _sentences(script.sounds):
        for at_s, word in due(sentence, behind):
            free_s = own_end(own[-1]) + BESIDE_S if own else 0.0
            own.append(Own(max(reply_at(at_s), free_s), voice.get(word) or hummed(word)))
    return replace(script, own=own, written=[])


def due(sentence: Words, behind: int | None) -> list[tuple[float, str]]:
    """From when each English word may be said."""
    words, over_s, said = [word for word, _ in sentence], sentence[-1][1] + OVER_S, []
    for read in range(behind or len(words) + 1, len(words) + 1):
        said.append((sentence[read - 1][1], english(words[:read])[len(said)]))
    return said + [(over_s, word) for word in english(words)[len(said) :]]


def _sentences(sounds: Sequence[Sound]) -> list[Words]:
    """What is said in Spanish, cut where there is silence for long enough."""
    found: list[Words] = []
    for sound in sorted(sounds, key=lambda s: s.start_s):
        words = [(word.text, sound.start_s + word.end_s) for word in sound.speech.words]
        if not all(known(text) for text, _ in words):
            continue
        if found and sound.start_s - found[-1][-1][1] < OVER_S:
            found[-1] += words
        else:
            found.append(words)
    return found


INTERPRETERS: dict[str, System] = {
    "consecutive": partial(_interpreter, None),
    **{f"wait-{k}": partial(_interpreter, k) for k in (1, 2, 3)},
}
