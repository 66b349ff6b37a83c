"""One micro-turn of B live sessions: four passes through the trunk, two of the flow head for those who speak.

`step` is the function to read. It follows `layout` exactly as training does; what is sampled comes from noise that is
counted by session, turn and position, so that a replay has equal bits whoever shares the batch.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from duologue.config import TIME_SLOTS
from duologue.kernels.noise import noise_for
from duologue.media.dmel import FLOOR, FRAMES_PER_TURN, MELS, quantise
from duologue.model.flow import TARGET, denormalise
from duologue.model.fuse import LOOK_BACK, OWN_LOOK_BACK
from duologue.model.interaction import DECISION, PAD_WEIGHT, InteractionModel
from duologue.model.layout import AUDIO, CHANNELS, KIND_OF_COLUMN, TEXT, TIME_OF_COLUMN, A, I, T, V, X
from duologue.model.trunk import Cache

FLOW_STEPS = 4
UNWEIGHTED = math.log(PAD_WEIGHT)  # brings the gates' log-odds back from training, where PAD counts less
TEMPERATURE = 0.7  # of the voice: the flow head's noise is scaled by its square root
TIME_OF = {kind: TIME_OF_COLUMN[kind == KIND_OF_COLUMN] for kind in (A, I, T)}
TIME_OF |= {X: TIME_OF_COLUMN[-4:-2], V: TIME_OF_COLUMN[-2:]}


@dataclass(frozen=True, slots=True)
class Sampling:
    """How outputs are drawn. Zero temperature takes the likelier; `patience` shifts the decision's own logit."""

    seed: int = 0
    token_temperature: float = 0.0
    decision_temperature: float = 0.0
    patience: float = 0.0


@dataclass(slots=True)
class State:
    """What B sessions are to the model between two turns."""

    cache: Cache
    user_BFM: torch.Tensor  # uint8 levels of the last LOOK_BACK frames
    own_BFM: torch.Tensor
    pending_B1D: torch.Tensor  # the last own-sound position, which enters with the next turn
    spoke_B: torch.Tensor
    turn_B: torch.Tensor

    def small(self) -> dict[str, torch.Tensor]:
        """All but the rings, by name; rows come first."""
        return {name: getattr(self, name) for name in self.__slots__[1:]} | {"count_B": self.cache.count_B}

    def take(self, rows: list[int]) -> "State":
        """The state of some rows. Its rings stay where they are: what is appended is in both."""
        small = {name: values[rows] for name, values in self.small().items()}
        return State(Cache(self.cache.ring_LBCGK, small.pop("count_B"), torch.tensor(rows)), **small)

    def put(self, rows: list[int], part: "State") -> None:
        """Writes back what one turn has changed beside the rings in the state of some rows."""
        for name, values in part.small().items():
            self.small()[name][rows] = values

    def replace(self, row: int, one: "State") -> None:
        """The whole state of a row becomes that of another session."""
        self.cache.ring_LBCGK[:, row] = one.cache.rings()[:, 0]
        self.put([row], one)


@dataclass(slots=True)
class Heard:
    """One turn of input for B sessions."""

    levels_BFM: torch.Tensor  # uint8 [B, 10, MELS]
    lost_B2: torch.Tensor
    text: list[list[int]]  # at most TEXT tokens a session
    patches: list[torch.Tensor | None] = field(default_factory=list)


@dataclass(slots=True)
class Did:
    """One turn of output for B sessions."""

    tokens_BXC: np.ndarray
    speak_B: np.ndarray
    mel_BFM: np.ndarray  # log-mel of the own sound [B, 10, MELS]; the floor where nothing is said
    logprob_B: np.ndarray  # of the decision


def start(model: InteractionModel, rows: int, dtype: torch.dtype | None = None) -> State:
    """State of `rows` sessions that have heard nothing, in the dtype that the model has settled for."""
    dtype = dtype or model.dtype
    user, own = (torch.zeros(rows, n, MELS, dtype=torch.uint8) for n in (LOOK_BACK, OWN_LOOK_BACK))
    pending = torch.zeros(rows, 1, model.config.width)
    spoke, turn = torch.zeros(rows, dtype=torch.bool), torch.zeros(rows, dtype=torch.int64)
    return State(model.trunk.start(rows, dtype), user, own, pending, spoke, turn)


def step(model: InteractionModel, state: State, heard: Heard, sampling: list[Sampling]) -> Did:
    """Hears one turn and does one turn. `state` is changed in place."""
    hidden = _listen(model, state, heard)
    first, _ = _tokens(model, state, hidden, sampling, 0)
    hidden = _append(model, state, model.fuse.output(first, 0, None, _dtype(state)), TIME_OF[X][0])
    second, gates = _tokens(model, state, hidden, sampling, 1)
    speak, logprob = _decide(gates[:, DECISION], state, sampling)
    hidden = _append(model, state, model.fuse.output(second, 1, speak, _dtype(state)), TIME_OF[X][1])
    mel = _speak(model, state, hidden, speak, sampling) if speak.any() else _be_quiet(state)
    state.spoke_B = speak
    state.turn_B = state.turn_B + 1
    return Did(torch.stack([first, second], 1).numpy(), speak.numpy(), mel.numpy(), logprob.numpy())


def _dtype(state: State) -> torch.dtype:
    return state.cache.ring_LBCGK.dtype


def _append(model, state: State, x_BD: torch.Tensor, slot: int, valid_B: torch.Tensor | None = None) -> torch.Tensor:
    """One position for every session; returns its hidden state [B, D]."""
    time = (state.turn_B * TIME_SLOTS + slot)[:, None]
    valid = torch.ones_like(time, dtype=torch.bool) if valid_B is None else valid_B[:, None]
    return model.trunk.extend(x_BD[:, None], time, valid, state.cache)[:, 0]


def _listen(model, state: State, heard: Heard) -> torch.Tensor:
    """The input positions of a turn, behind the last own-sound position of the turn before; hidden of the last one."""
    dtype, rows = _dtype(state), len(heard.levels_BFM)
    frames = torch.cat([state.user_BFM, heard.levels_BFM], 1)
    state.user_BFM = frames[:, -LOOK_BACK:]
    sound = model.fuse.user_sound(frames, heard.lost_B2[:, :, None], dtype)
    base = state.turn_B[:, None] * TIME_SLOTS
    times = [base - TIME_SLOTS + int(TIME_OF[V][1]), base + torch.as_tensor(TIME_OF[A])]
    parts, valid = [state.pending_B1D, sound], [state.spoke_B[:, None], torch.ones(rows, AUDIO, dtype=torch.bool)]
    for x, there, slots in _extras(model, heard, dtype):
        parts, valid, times = [*parts, x], [*valid, there], [*times, base + torch.as_tensor(slots)]
    valid_BN = torch.cat(valid, 1)
    hidden = model.trunk.extend(torch.cat(parts, 1), torch.cat(times, 1), valid_BN, state.cache)
    last = valid_BN.shape[1] - 1 - valid_BN.flip(1).long().argmax(1)
    return hidden[torch.arange(rows), last]


def _extras(model, heard: Heard, dtype: torch.dtype):
    """Pictures and text, padded to their full width in a turn in which any session has some."""
    if any(p is not None for p in heard.patches):
        count = len(TIME_OF[I])
        there = torch.tensor([p is not None for p in heard.patches])
        blank = torch.zeros(count, 40, 40, 3)
        patches = torch.stack([blank if p is None else p for p in heard.patches])
        yield model.fuse.picture(patches, dtype), there[:, None].expand(-1, count), TIME_OF[I]
    if any(heard.text):
        tokens = torch.tensor([ids + [0] * (TEXT - len(ids)) for ids in heard.text])
        yield model.fuse.text(tokens, torch.arange(TEXT).expand_as(tokens)), tokens != 0, TIME_OF[T]


def _tokens(model, state: State, hidden_BD: torch.Tensor, sampling: list[Sampling], place: int):
    """A token of every channel [B, channels], and the gates. The vocabulary is computed only where a gate is open."""
    gates, warm = model.heads.gate(hidden_BD), any(s.token_temperature for s in sampling)
    tokens = torch.zeros(len(hidden_BD), len(CHANNELS), dtype=torch.int64)
    wanted = gates[:, :DECISION] + UNWEIGHTED
    open_BC = (wanted + _gumbel_pairs(state, sampling, place) if warm else wanted) > 0
    for channel in open_BC.any(0).nonzero().flatten().tolist():
        logits = model.heads.logits(channel, hidden_BD, model.fuse.tokens, _dtype(state))
        if warm:
            logits = logits + _gumbel_table(state, sampling, place, channel, logits.shape[1])
        tokens[:, channel] = torch.where(open_BC[:, channel], 1 + logits[:, 1:].argmax(1), 0)
    return tokens, gates


def _decide(gate_B: torch.Tensor, state: State, sampling: list[Sampling]) -> tuple[torch.Tensor, torch.Tensor]:
    """SPEAK or HUSH for each session, and its log-probability under the network's own logit."""
    noise = torch.zeros(len(sampling))
    for b, s in enumerate(sampling):
        if s.decision_temperature:
            uniform = noise_for(s.seed, int(state.turn_B[b]), 90, 1, uniform=True)[0]
            noise[b] = s.decision_temperature * float(np.log(uniform) - np.log1p(-uniform))
    speak = gate_B - torch.tensor([s.patience for s in sampling]) + noise > 0
    sign = speak.float() * 2 - 1
    return speak, torch.nn.functional.logsigmoid(sign * gate_B)


def _gumbel_pairs(state: State, sampling: list[Sampling], place: int) -> torch.Tensor:
    """Logistic noise for the gates of every channel [B, channels], zero at temperature zero."""
    out = torch.zeros(len(sampling), len(CHANNELS))
    for b, s in enumerate(sampling):
        for channel in range(len(CHANNELS) if s.token_temperature else 0):
            uniform = noise_for(s.seed, int(state.turn_B[b]), 10 + place * 8 + channel, 1, uniform=True)[0]
            out[b, channel] = s.token_temperature * float(np.log(uniform) - np.log1p(-uniform))
    return out


def _gumbel_table(state: State, sampling: list[Sampling], place: int, channel: int, size: int) -> torch.Tensor:
    """Gumbel noise for the tokens, zero at temperature zero."""
    out = torch.zeros(len(sampling), size)
    for b, s in enumerate(sampling):
        if s.token_temperature:
            uniform = noise_for(s.seed, int(state.turn_B[b]), 40 + place * 8 + channel, size, uniform=True)
            out[b] = torch.from_numpy(-s.token_temperature * np.log(-np.log(uniform))).float()
    return out


def _be_quiet(state: State) -> torch.Tensor:
    state.own_BFM = torch.zeros_like(state.own_BFM)
    return _silence(len(state.own_BFM))


def _silence(rows: int) -> torch.Tensor:
    return torch.full((rows, FRAMES_PER_TURN, MELS), FLOOR)


def _speak(model, state: State, hidden: torch.Tensor, speak: torch.Tensor, sampling: list[Sampling]) -> torch.Tensor:
    """Two positions of own sound for the sessions that speak; the second waits for the next turn. Log-mel [B, 10, MELS]."""
    dtype, half = _dtype(state), FRAMES_PER_TURN // AUDIO
    mel = _silence(len(speak))
    noise = [noise_for(s.seed, int(t), 0, AUDIO * TARGET) for s, t in zip(sampling, state.turn_B, strict=True)]
    noise_BVF = torch.from_numpy(np.stack(noise)).view(-1, AUDIO, TARGET) * TEMPERATURE**0.5
    for place in range(AUDIO):
        x = denormalise(model.flow.sample(hidden, noise_BVF[:, place], FLOW_STEPS, dtype)).view(-1, half, MELS)
        mel[:, place * half : (place + 1) * half] = torch.where(speak[:, None, None], x, FLOOR)
        levels = torch.from_numpy(quantise(mel.numpy()))
        embedded = model.fuse.own_sound(torch.cat([state.own_BFM, levels], 1), dtype)[:, place]
        if place == 0:
            hidden = _append(model, state, embedded, TIME_OF[V][0], speak)
    state.pending_B1D = embedded[:, None]
    state.own_BFM = levels[:, -OWN_LOOK_BACK:]
    return mel

