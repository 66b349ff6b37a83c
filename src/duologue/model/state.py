"""What a live session is to the model between two turns: `State`, and `append`, by which a position enters it."""

from dataclasses import dataclass

import torch

from duologue.config import TIME_SLOTS
from duologue.media.dmel import FRAMES_PER_TURN, MELS
from duologue.model.fuse import LAYERS, OWN_LAYERS
from duologue.model.interaction import InteractionModel
from duologue.model.layout import AUDIO, CHANNELS, PHONED
from duologue.model.ring import Cache


@dataclass(slots=True)
class State:
    """What B sessions are to the model between two turns."""

    cache: Cache
    user_BLKW: torch.Tensor  # what each layer of the front took in last, see `Front.step`
    own_BLKW: torch.Tensor
    pending_B1D: torch.Tensor  # the last own-sound position, which enters with the next turn
    last_BC: torch.Tensor  # the last token of each channel, 0 if none, and how many output slots ago it was written
    age_BC: torch.Tensor
    text_B: torch.Tensor  # the last token of typed text and notes, 0 if none
    spoke_B: torch.Tensor
    speech_BLCGK: torch.Tensor  # the ring of `pronouncing`, and how many positions of this speech there have been
    speech_B: torch.Tensor
    phones_B2P: torch.Tensor  # phonemes of the last two positions of own sound, zeros where it was quiet
    sounded_BFM: torch.Tensor  # sound of the last one, uint8 levels [B, 5, MELS]
    turn_B: torch.Tensor

    def small(self) -> dict[str, torch.Tensor]:
        """All but the rings, by name; rows come first."""
        return {name: getattr(self, name) for name in self.__slots__[1:]} | {"count_B": self.cache.count_B}

    def take(self, rows_B: torch.Tensor) -> "State":
        """The state of some rows. Its rings stay where they are: what is appended is in both."""
        small = {name: values[rows_B] for name, values in self.small().items()}
        within = rows_B if self.cache.rows_B is None else self.cache.rows_B[rows_B]
        return State(Cache(self.cache.ring_LBCGK, small.pop("count_B"), within), **small)

    def put(self, rows_B: torch.Tensor, part: "State") -> None:
        """Writes back what one turn has changed beside the rings in the state of some rows."""
        for name, values in part.small().items():
            self.small()[name][rows_B] = values.to(rows_B.device)

    def set(self, name: str, values: torch.Tensor) -> None:
        """Of `small`, by name."""
        setattr(self.cache if name == "count_B" else self, name, values)

    def copy(self) -> "State":
        """A state of its own, but for the rings, which both share."""
        small = {name: values.clone() for name, values in self.small().items()}
        return State(Cache(self.cache.ring_LBCGK, small.pop("count_B"), self.cache.rows_B), **small)

    def replace(self, row: int, one: "State") -> None:
        """The whole state of a row becomes that of another session, wherever that lies."""
        self.cache.ring_LBCGK[:, row] = one.cache.rings()[:, 0]
        self.put(torch.tensor([row], device=self.turn_B.device), one)

    @property
    def dtype(self) -> torch.dtype:
        """What the matrix products compute in."""
        return self.cache.ring_LBCGK.dtype


def start(model: InteractionModel, rows: int, dtype: torch.dtype | None = None) -> State:
    """State of `rows` sessions that have heard nothing, in the dtype that the model has settled for."""

    def zeros(*shape: int, dtype: torch.dtype = torch.int64) -> torch.Tensor:
        return torch.zeros(rows, *shape, dtype=dtype, device=model.device)

    dtype = dtype or model.dtype
    return State(
        cache=model.trunk.start(rows, dtype),
        user_BLKW=model.fuse.front.quiet(LAYERS, dtype).repeat(rows, 1, 1, 1).detach(),
        own_BLKW=model.fuse.front.quiet(OWN_LAYERS, dtype).repeat(rows, 1, 1, 1).detach(),
        pending_B1D=zeros(1, model.config.width, dtype=torch.float32),
        last_BC=zeros(len(CHANNELS)),
        age_BC=zeros(len(CHANNELS)),
        text_B=zeros(),
        spoke_B=zeros(dtype=torch.bool),
        speech_BLCGK=model.pronouncing.trunk.start(rows, dtype).ring_LBCGK.transpose(0, 1).detach(),
        speech_B=zeros(),
        phones_B2P=zeros(2, PHONED),
        sounded_BFM=zeros(FRAMES_PER_TURN // AUDIO, MELS, dtype=torch.uint8),
        turn_B=zeros(),
    )


def append(model, state: State, x_BD: torch.Tensor, slot: int, valid_B: torch.Tensor | None = None) -> torch.Tensor:
    """One position for every session; returns its hidden state [B, D]."""
    time = (state.turn_B * TIME_SLOTS + slot)[:, None]
    valid = torch.ones_like(time, dtype=torch.bool) if valid_B is None else valid_B[:, None]
    return model.trunk.extend(x_BD[:, None], time, valid, state.cache)[:, 0]
