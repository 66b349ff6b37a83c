"""One micro-turn of B live sessions: four passes through the trunk, two of the flow head for those who speak.

`step` is the function to read, then `turn`. It follows `layout` exactly as training does.

State lies where the model does. On a CPU what nobody needs is left out (the vocabulary of a closed gate, the voice of who is
quiet). A GPU would have to stop and answer who needs what, so there everything is computed, with shapes that only the number
of sessions decides, and a turn waits for it once, in `home`. Both give the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch

from duologue.config import TIME_SLOTS
from duologue.model.drawn import Drawn, Sampling, draw
from duologue.model.fuse import OLDEST
from duologue.model.heads import DECISION
from duologue.model.interaction import PAD_WEIGHT, InteractionModel
from duologue.model.layout import AUDIO, CHANNELS, KIND_OF_COLUMN, PATCHES, TEXT, TIME_OF_COLUMN, A, I, T, V, X
from duologue.model.mouth import voice
from duologue.model.state import State, append

SAY = CHANNELS.index("say")
UNWEIGHTED = math.log(PAD_WEIGHT)  # brings the gates' log-odds back from training, where PAD counts less
TIME_OF = {kind: TIME_OF_COLUMN[kind == KIND_OF_COLUMN] for kind in (A, I, T)}
TIME_OF |= {X: TIME_OF_COLUMN[-4:-2], V: TIME_OF_COLUMN[-2:]}


@dataclass(slots=True)
class Heard:
    """One turn of input for B sessions, on the CPU."""

    levels_BFM: torch.Tensor  # uint8 [B, 10, MELS]
    lost_B2: torch.Tensor
    text: list[list[int]]  # at most TEXT tokens a session
    patches: list[torch.Tensor | None] = field(default_factory=list)


@dataclass(slots=True)
class Given:
    """The same where the model lies, pictures and text padded to their full width; None in a turn in which nobody has any."""

    levels_BFM: torch.Tensor
    lost_B2: torch.Tensor
    text_BT: torch.Tensor | None
    patches: torch.Tensor | None  # [B, PATCHES, 40, 40, 3]
    seen_B: torch.Tensor | None


@dataclass(slots=True)
class Did:
    """One turn of output for B sessions."""

    tokens_BXC: np.ndarray
    speak_B: np.ndarray
    mel_BFM: np.ndarray  # log-mel of the own sound [B, 10, MELS]; the floor where nothing is said
    phones_BVP: np.ndarray  # in the frames of each half of the turn [B, 2, PHONED]; 0 where nothing is said
    logprob_B: np.ndarray  # of the decision


def step(model: InteractionModel, state: State, heard: Heard, sampling: list[Sampling]) -> Did:
    """Hears one turn and does one turn. `state` is changed in place."""
    return home(*turn(model, state, *prepared(model, state, heard, sampling)))


def prepared(model: InteractionModel, state: State, heard: Heard, sampling: list[Sampling]) -> tuple[Given, Drawn]:
    """All that a turn needs, brought to where the model lies."""
    drawn, device = draw(sampling, state.turn_B.tolist(), len(model.fuse.tokens)), model.device
    given = Given(heard.levels_BFM.to(device), heard.lost_B2.to(device), None, None, None)
    if any(heard.text):
        given.text_BT = torch.tensor([ids + [0] * (TEXT - len(ids)) for ids in heard.text], device=device)
    if any(p is not None for p in heard.patches):
        blank = torch.zeros(PATCHES, 40, 40, 3)
        given.patches = torch.stack([blank if p is None else p for p in heard.patches]).to(device)
        given.seen_B = torch.tensor([p is not None for p in heard.patches], device=device)
    return given, drawn.to(device)


def turn(model: InteractionModel, state: State, given: Given, drawn: Drawn) -> tuple[torch.Tensor, ...]:
    """The turn itself, all of it where the model lies: what `home` takes. `state` is changed in place."""
    recalled = _recalled(model, state)
    hidden = _listen(model, state, given, recalled)
    first, _ = _tokens(model, state, hidden, drawn, 0)
    hidden = append(model, state, model.fuse.output(first, 0, None, state.dtype) + recalled, TIME_OF[X][0])
    _remember(state, first)
    second, gates = _tokens(model, state, hidden, drawn, 1)
    speak, logprob = _decide(gates[:, DECISION], drawn)
    written = model.fuse.output(second, 1, speak, state.dtype) + _recalled(model, state)
    hidden = append(model, state, written, TIME_OF[X][1])
    _remember(state, second)
    mel, phones = voice(model, state, hidden, speak, drawn, torch.stack([first[:, SAY], second[:, SAY]], 1))
    state.spoke_B = speak
    state.turn_B = state.turn_B + 1
    return torch.stack([first, second], 1), speak, mel, phones, logprob


def home(*did: torch.Tensor) -> Did:
    """What `turn` returned, on the CPU: here it waits for a GPU."""
    return Did(*(tensor.cpu().numpy() for tensor in did))


@cache
def _slots(kind: int, device: torch.device) -> torch.Tensor:
    """Where in a turn's time the positions of a kind lie."""
    return torch.as_tensor(TIME_OF[kind], device=device)


def _recalled(model, state: State) -> torch.Tensor:
    """What the next output slot of every session knows of the tokens before it [B, D]."""
    return model.fuse.recalled(state.last_BC, state.age_BC, state.dtype)


def _remember(state: State, tokens_BC: torch.Tensor) -> None:
    """One output slot has been written. As `fuse.last_written` for whole sequences."""
    state.last_BC = torch.where(tokens_BC != 0, tokens_BC, state.last_BC)
    state.age_BC = torch.where(tokens_BC != 0, 1, state.age_BC + (state.last_BC != 0)).clamp(max=OLDEST)


def _listen(model, state: State, given: Given, recalled_BD: torch.Tensor) -> torch.Tensor:
    """The input positions of a turn, behind the last own-sound position of the turn before; hidden of the last one."""
    dtype, rows, device = state.dtype, len(given.levels_BFM), recalled_BD.device
    sound, state.user_BLKW = model.fuse.user_turn(given.levels_BFM, state.user_BLKW, given.lost_B2[:, :, None], recalled_BD[:, None])
    base = state.turn_B[:, None] * TIME_SLOTS
    pending = state.pending_B1D, state.spoke_B[:, None], base - TIME_SLOTS + int(TIME_OF[V][1])
    heard = sound, torch.ones(rows, AUDIO, dtype=torch.bool, device=device), base + _slots(A, device)
    typed = () if given.text_BT is None else (_typed(model, state, given.text_BT, base, dtype),)
    if given.patches is None:
        return _append(model, state, pending, heard, *typed)
    if not state.spoke_B.is_cpu or state.spoke_B.any():
        _append(model, state, pending)
    _look(model, state, given, base)
    return _append(model, state, heard, *typed)


def _append(model, state: State, *parts: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Positions, which of them are there, and their times, one part behind the other; hidden of the last one [B, D]."""
    x, valid_BN, time = (torch.cat(each, 1) for each in zip(*parts, strict=True))
    hidden = model.trunk.extend(x, time, valid_BN, state.cache)
    last = valid_BN.shape[1] - 1 - valid_BN.flip(1).long().argmax(1)
    return hidden[torch.arange(len(x), device=x.device), last]


def _look(model, state: State, given: Given, base: torch.Tensor) -> None:
    """Pictures, which nothing is predicted from."""
    x = model.fuse.picture(given.patches, state.dtype)
    rows, view = x.shape[:2]
    seen_R = torch.arange(rows * view, device=x.device)
    model.trunk.extend(x, base + _slots(I, x.device), given.seen_B[:, None].expand(-1, view), state.cache, seen_R)


def _typed(model, state: State, tokens: torch.Tensor, base: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    before = torch.cat([state.text_B[:, None], tokens[:, :-1]], 1)
    x = model.fuse.text(tokens, before, torch.arange(TEXT, device=tokens.device).expand_as(tokens), dtype)
    ended = tokens.gather(1, ((tokens != 0).sum(1, keepdim=True) - 1).clamp(min=0))[:, 0]
    state.text_B = torch.where(ended != 0, ended, state.text_B)
    return x, tokens != 0, base + _slots(T, tokens.device)


def _tokens(model, state: State, hidden_BD: torch.Tensor, drawn: Drawn, place: int):
    """A token of every channel [B, channels], and the gates. A CPU computes the vocabulary only where a gate is open."""
    gates, warm = model.heads.gate(hidden_BD), drawn.gates_XBC is not None
    tokens = torch.zeros(len(hidden_BD), len(CHANNELS), dtype=torch.int64, device=hidden_BD.device)
    wanted = gates[:, :DECISION] + UNWEIGHTED
    open_BC = (wanted + drawn.gates_XBC[place] if warm else wanted) > 0
    for channel in _written(open_BC):
        logits = model.heads.logits(channel, hidden_BD, model.fuse.tokens, state.dtype)
        if warm:
            logits = logits + drawn.tokens_XCBN[place, channel]
        tokens[:, channel] = torch.where(open_BC[:, channel], 1 + logits[:, 1:].argmax(1), 0)
    return tokens, gates


def _written(open_BC: torch.Tensor) -> Sequence[int]:
    """The channels in which somebody writes; all of them where asking would cost more than computing."""
    return open_BC.any(0).nonzero().flatten().tolist() if open_BC.is_cpu else range(len(CHANNELS))


def _decide(gate_B: torch.Tensor, drawn: Drawn) -> tuple[torch.Tensor, torch.Tensor]:
    """SPEAK or HUSH for each session, and its log-probability under the network's own logit."""
    speak = gate_B + drawn.decision_B > 0
    sign = speak.float() * 2 - 1
    return speak, torch.nn.functional.logsigmoid(sign * gate_B)
