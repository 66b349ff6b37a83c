"""Windows disturbed: other levels, colours and vocal tracts, moments lost, words misheard, own sound forgotten. Read `disturb`.

Cheap enough to be done anew whenever a window is drawn, on log-mel and not on sound.
"""

from dataclasses import replace

import numpy as np

from duologue.data.seen import disturbed as disturbed_pictures
from duologue.media import dmel
from duologue.model.fuse import OWN_LOOK_BACK
from duologue.train.windows import FRAMES, Window

HURRY, HURRY_FRAMES = 0.2, 100  # spread of the speed (log), and how long it stays about the same
COLOUR_POINTS = 6
MISHEARD = (0.0, 0.0, 0.3, 1.0)  # share of heard words that a disturbed window shows wrongly
FORGOTTEN = (0.0, 0.0, 0.3, 1.0)  # share of its turns whose own sound a disturbed window forgets
UNASKED = -1  # in place of a wanted token: nothing is asked of this channel here


def disturb(window: Window, rng: np.random.Generator) -> Window:
    """Cheap augmentation on log-mel: level, tilt, colour, warped channels, masked bands and moments, noise on the own history.

    Pictures get another exposure and white balance, and are shifted.
    """
    level = rng.uniform(-0.25, 0.25) + rng.uniform(-0.2, 0.2) * np.linspace(-1, 1, dmel.MELS) + _coloured(rng)
    user = window.user + level.astype(np.float32)
    if rng.random() < 0.7:
        user = _warp_channels(user, rng.uniform(0.9, 1.1))  # on top of the renderer's `warp`
    for _ in range(rng.integers(0, 4)):
        low, wide = rng.integers(0, dmel.MELS), rng.integers(1, 13)
        user[:, low : low + wide] = dmel.FLOOR
    for _ in range(rng.poisson(len(user) / 200)):
        start = rng.integers(0, len(user))
        user[start : start + rng.integers(1, 8)] = dmel.FLOOR
    spread = rng.uniform(0, 0.35) if rng.random() < 0.9 else rng.uniform(0.35, 0.8)
    own, sounding = window.own.copy(), window.own > dmel.FLOOR
    own[sounding] += np.float32(spread) * rng.standard_normal(np.count_nonzero(sounding), dtype=np.float32)
    own[_forgotten(len(window.speak), rng)] = dmel.FLOOR
    noisy = user + np.float32(0.08) * rng.standard_normal(user.shape, dtype=np.float32)
    tokens, given = _misheard(window, rng)
    disturbed = replace(window, user=noisy, own=own, tokens=tokens, given=given)
    return replace(disturbed, pictures=disturbed_pictures(window.pictures, rng)) if len(window.pictures) else disturbed


def hurried(window: Window, rng: np.random.Generator) -> Window:
    """The user's sound now faster, now slower, over the same span: for losses that know the order of words and not their times."""
    frames = len(window.user)
    speed = np.exp(rng.normal(0, HURRY, max(2, frames // HURRY_FRAMES)))
    read = np.cumsum(np.interp(np.linspace(0, 1, frames), np.linspace(0, 1, len(speed)), speed))
    read = (read - read[0]) * (frames - 1) / (read[-1] - read[0])
    low = np.minimum(read.astype(int), frames - 2)
    part = (read - low).astype(np.float32)[:, None]
    return replace(window, user=window.user[low] * (1 - part) + window.user[low + 1] * part)


def _misheard(window: Window, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What is wanted, and the history with some heard words wrong or missing: what comes next must be heard, not guessed from
    what came. There nothing else is asked, for an answer must follow from the words that are shown."""
    tokens, given, heard = window.tokens.copy(), window.given.copy(), window.tokens[..., 0]
    at = np.argwhere((heard != 0) & (rng.random(heard.shape) < rng.choice(MISHEARD)))
    if len(at):
        given[(*at.T, 0)] = np.where(rng.random(len(at)) < 0.3, 0, rng.choice(heard[heard != 0], len(at)))
        tokens[..., 1:] = UNASKED
    return tokens, given


def _forgotten(turns: int, rng: np.random.Generator) -> np.ndarray:
    """Frames of the own history that are left out: how a word goes on must be known from the word, and not from the recording
    that it was in."""
    at = np.repeat(rng.random(turns) < rng.choice(FORGOTTEN), FRAMES)
    return np.concatenate([np.full(OWN_LOOK_BACK, at[0]), at])


def _coloured(rng: np.random.Generator) -> np.ndarray:
    """What another microphone adds to each channel: a smooth curve."""
    points = rng.uniform(-0.25, 0.25, COLOUR_POINTS)
    return np.interp(np.linspace(0, 1, dmel.MELS), np.linspace(0, 1, COLOUR_POINTS), points)


def _warp_channels(mel: np.ndarray, factor: float) -> np.ndarray:
    """Moves formants as a longer or shorter vocal tract does: channel c reads from channel c * factor."""
    read = np.clip(np.arange(dmel.MELS) * factor, 0, dmel.MELS - 1)
    low = np.minimum(read.astype(int), dmel.MELS - 2)
    part = (read - low).astype(np.float32)
    return mel[:, low] * (1 - part) + mel[:, low + 1] * part
