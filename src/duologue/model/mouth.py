"""The own sound of a turn, for those who speak: its phonemes, then its frames by the flow head. Read `voice`."""

import torch

from duologue.media.dmel import CEILING, FLOOR, FRAMES_PER_TURN, LEVELS, MELS
from duologue.model.drawn import Drawn
from duologue.model.flow import denormalise, heard_before
from duologue.model.fuse import OWN_LAYERS
from duologue.model.layout import AUDIO, PHONED, TIME_OF_COLUMN
from duologue.model.pronouncing import entry, marked
from duologue.model.ring import Cache
from duologue.model.state import State, append

FIRST = TIME_OF_COLUMN[-2]  # where in a turn's time the first of the two positions lies


def voice(
    model, state: State, hidden: torch.Tensor, speak: torch.Tensor, drawn: Drawn, words_BX: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Own sound where there is some, log-mel [B, 10, MELS], and its phonemes. A CPU computes only those who speak."""
    if not speak.is_cpu or speak.all():
        return _speak(model, state, hidden, speak, drawn.voice_BVF, words_BX)
    rows = speak.nonzero().flatten()
    part, mel, phones = state.take(rows), _be_quiet(model, state), state.last_BC.new_zeros(len(speak), AUDIO, PHONED)
    if len(rows):
        mel[rows], phones[rows] = _speak(model, part, hidden[rows], speak[rows], drawn.voice_BVF[rows], words_BX[rows])
        state.put(rows, part)
    return mel, phones


def _be_quiet(model, state: State) -> torch.Tensor:
    state.own_BLKW = model.fuse.front.quiet(OWN_LAYERS, state.dtype).repeat(len(state.own_BLKW), 1, 1, 1)
    for name in ("speech_B", "phones_B2P", "sounded_BFM"):
        state.set(name, torch.zeros_like(getattr(state, name)))
    return _silence(len(state.own_BLKW), state.own_BLKW.device)


def _silence(rows: int, device: torch.device) -> torch.Tensor:
    return torch.full((rows, FRAMES_PER_TURN, MELS), FLOOR, device=device)


def quantised(mel: torch.Tensor) -> torch.Tensor:
    """As `dmel.quantise`, to the bit, where the mel lies."""
    scaled = (mel - FLOOR) * ((LEVELS - 1) / (CEILING - FLOOR))
    return scaled.round().clamp(0, LEVELS - 1).to(torch.uint8)


def _speak(
    model, state: State, hidden: torch.Tensor, speak: torch.Tensor, noise_BVF: torch.Tensor, words_BX: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two positions of own sound for the sessions that speak; the second waits for the next turn. Log-mel [B, 10, MELS] and
    phonemes [B, 2, PHONED]."""
    mel, spoken = [], []
    for place in range(AUDIO):
        words = words_BX if place == 0 else torch.zeros_like(words_BX)
        phones = _pronounce(model, state, hidden, words, place, speak)
        condition = model.flow.conditioned(hidden, phones, heard_before(state.sounded_BFM), state.dtype)
        drawn = denormalise(model.flow.sample(condition, noise_BVF[:, place])).unflatten(-1, (-1, MELS))
        mel.append(torch.where(speak[:, None, None], drawn, FLOOR))
        spoken.append(state.phones_B2P[:, 1])
        state.sounded_BFM = quantised(mel[-1])
        embedded, state.own_BLKW = model.fuse.own_position(state.sounded_BFM, state.own_BLKW, marked(spoken[-1]), place)
        if place == 0:
            hidden = append(model, state, embedded, FIRST, speak)
    state.pending_B1D = embedded[:, None]
    return torch.cat(mel, 1), torch.stack(spoken, 1)


def _pronounce(
    model, state: State, hidden: torch.Tensor, words_BX: torch.Tensor, place: int, speak: torch.Tensor
) -> torch.Tensor:
    """Decides on the next position's phonemes and remembers them; returns what the flow head is told [B, TOLD * PHONED]."""
    last = state.phones_B2P[:, 1]
    cache = Cache(state.speech_BLCGK.transpose(0, 1).contiguous(), state.speech_B)
    read = model.pronouncing.extend(entry(last, words_BX, place), speak, cache)
    state.speech_BLCGK, state.speech_B = cache.ring_LBCGK.transpose(0, 1), cache.count_B * speak
    found = model.pronouncing.decide(read, hidden, last[:, -1], state.dtype) * speak[:, None]
    told = torch.cat([state.phones_B2P.flatten(1), found], 1)
    state.phones_B2P = torch.stack([last, found[:, :PHONED]], 1) * speak[:, None, None]
    return told
