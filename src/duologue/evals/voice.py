"""The own voice: how well it is understood, how good it sounds, how much it sounds like itself. Read `voice_row` first.

Understood: what Whisper hears in an answer against the words the system said it was saying. Quality: DNSMOS P808 (package
speechmos). Likeness: cosine of resemblyzer's embeddings with the reference voice. Both packages are optional.
"""

import importlib.util
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from duologue.evals.items import Item
from duologue.evals.outcome import Outcome, Span
from duologue.evals.score import said_tokens
from duologue.evals.stats import ratio
from duologue.evals.wording import errors, words_of
from duologue.turn import SAMPLE_RATE_HZ

CLIP_S = 9.5  # DNSMOS looks at 9.01 s
CLIPS = 12
REFERENCES = 40
JOINT = np.zeros(SAMPLE_RATE_HZ // 4, np.float32)

Words = Callable[[Outcome, float, float], str]


def voice_row(outcomes: Sequence[Outcome], words: Words, reference_S: np.ndarray | None) -> dict:
    """Figures over the longest of the spans that were said: word error rate, quality, likeness (None: not installed)."""
    counted = [misheard(outcome, words) for outcome in outcomes if outcome.spans and outcome.said]
    clips = _clips(outcomes)
    result = {"words_wrong": ratio(*zip(*counted, strict=True))._asdict() if counted else None}
    return result | {
        "dnsmos_p808": _mean([quality(clip) for clip in clips]),
        "similarity": _mean([likeness(clip, reference_S) for clip in clips]),
    }


def misheard(outcome: Outcome, words: Words) -> tuple[int, int]:
    """Words of the longest span that Whisper got wrong, and words said in it."""
    begin_s, end_s = max(outcome.spans, key=lambda span: min(span[1] - span[0], 8.0))
    said = words_of(said_tokens(outcome, begin_s, end_s))
    return errors(words_of(words(outcome, begin_s, end_s)), said), len(said)


def spoken(outcome: Outcome) -> np.ndarray:
    """What was said, without the silences."""
    pieces = [part for span in outcome.spans for part in (_within(outcome, span), JOINT)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def _within(outcome: Outcome, span: Span) -> np.ndarray:
    return outcome.sound_S[int(span[0] * SAMPLE_RATE_HZ) : int(span[1] * SAMPLE_RATE_HZ)]


def _clips(outcomes: Sequence[Outcome]) -> list[np.ndarray]:
    """Pieces of CLIP_S of all that was said."""
    whole, size = np.concatenate([JOINT, *map(spoken, outcomes)]), int(CLIP_S * SAMPLE_RATE_HZ)
    return [whole[at : at + size] for at in range(0, len(whole) - size, size)][:CLIPS]


def _mean(values: Sequence[float | None]) -> dict | None:
    there = [value for value in values if value is not None]
    return {"mean": float(np.mean(there)), "clips": len(there)} if there else None


def quality(clip_S: np.ndarray) -> float | None:
    """DNSMOS P808, 1 to 5; None when speechmos is not installed or there is less than a second."""
    if not importlib.util.find_spec("speechmos") or len(clip_S) < SAMPLE_RATE_HZ:
        return None
    from speechmos import dnsmos

    return float(dnsmos.run(np.clip(clip_S, -1, 1), SAMPLE_RATE_HZ)["p808_mos"])


def likeness(clip_S: np.ndarray, reference_S: np.ndarray | None) -> float | None:
    """Cosine with the reference voice; None when resemblyzer is not installed or there is less than a second of either."""
    if reference_S is None or not importlib.util.find_spec("resemblyzer"):
        return None
    if min(len(clip_S), len(reference_S)) < SAMPLE_RATE_HZ:
        return None
    return float(_embedding(reference_S) @ _embedding(clip_S))


def reference(drawn: Sequence[Item]) -> np.ndarray | None:
    """The own voice in conversations: the first REFERENCES things it says, end to end."""
    own = [own.speech.pcm_S for script, _ in drawn for own in script.own][:REFERENCES]
    return np.concatenate(own) if own else None


def _embedding(pcm_S: np.ndarray) -> np.ndarray:
    from resemblyzer import preprocess_wav

    return _encoder().embed_utterance(preprocess_wav(pcm_S, SAMPLE_RATE_HZ))


@lru_cache(1)
def _encoder():
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)
