"""The own voice: how well it is understood, how good it sounds, how much it sounds like itself. Read `voice_row` first.

Understood: what Whisper hears in an answer against the words the system said it was saying. Quality: DNSMOS P808 (package
speechmos). Likeness: cosine of resemblyzer's embeddings with the reference voice. Both packages are optional.
"""

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np

from duologue.evals.outcome import Outcome
from duologue.evals.score import said_tokens
from duologue.evals.stats import ratio
from duologue.evals.wording import errors, words_of
from duologue.turn import SAMPLE_RATE_HZ

CLIP_S = 9.5  # DNSMOS looks at 9.01 s
CLIPS = 12
JOINT = np.zeros(SAMPLE_RATE_HZ // 4, np.float32)

Words = Callable[[Outcome, float, float], str]


def voice_row(outcomes: Sequence[Outcome], words: Words, reference_S: np.ndarray | None) -> dict:
    """Figures over the longest of the spans that were said: word error rate, quality, likeness (None: not installed)."""
    counted = [_misheard(outcome, words) for outcome in outcomes if outcome.spans and outcome.said]
    clips = _clips(outcomes)
    result = {"words_wrong": ratio(*zip(*counted, strict=True))._asdict() if counted else None}
    return result | {"dnsmos_p808": _mean(_dnsmos, clips), "similarity": _likeness(clips, reference_S)}


def _misheard(outcome: Outcome, words: Words) -> tuple[int, int]:
    """Words of the longest span that Whisper got wrong, and words said in it."""
    begin_s, end_s = max(outcome.spans, key=lambda span: min(span[1] - span[0], 8.0))
    said = words_of(said_tokens(outcome, begin_s, end_s))
    return errors(words_of(words(outcome, begin_s, end_s)), said), len(said)


def _clips(outcomes: Sequence[Outcome]) -> list[np.ndarray]:
    """What was said, without the silences, in pieces of CLIP_S."""
    spans = [(outcome.sound_S, span) for outcome in outcomes for span in outcome.spans]
    pieces = [part for sound_S, (a, b) in spans for part in (sound_S[int(a * SAMPLE_RATE_HZ) : int(b * SAMPLE_RATE_HZ)], JOINT)]
    if not pieces:
        return []
    whole, size = np.concatenate(pieces), int(CLIP_S * SAMPLE_RATE_HZ)
    return [whole[at : at + size] for at in range(0, len(whole) - size, size)][:CLIPS]


def _mean(measure: Callable[[list[np.ndarray]], list[float]], clips: list[np.ndarray]) -> dict | None:
    values = measure(clips) if clips else None
    return {"mean": float(np.mean(values)), "clips": len(values)} if values else None


def _dnsmos(clips: list[np.ndarray]) -> list[float] | None:
    if not importlib.util.find_spec("speechmos"):
        return None
    from speechmos import dnsmos

    return [float(dnsmos.run(np.clip(clip, -1, 1), SAMPLE_RATE_HZ)["p808_mos"]) for clip in clips]


def _likeness(clips: list[np.ndarray], reference_S: np.ndarray | None) -> dict | None:
    if reference_S is None or not clips or not importlib.util.find_spec("resemblyzer"):
        return None
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)
    wanted = encoder.embed_utterance(preprocess_wav(reference_S, SAMPLE_RATE_HZ))
    likeness = [float(encoder.embed_utterance(preprocess_wav(clip, SAMPLE_RATE_HZ)) @ wanted) for clip in clips]
    return {"mean": float(np.mean(likeness)), "clips": len(likeness)}
