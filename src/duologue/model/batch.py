"""What a training step learns from: flat sequences and their targets, as `train.batches` makes them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from duologue.model.flow import heard_before
from duologue.model.fuse import OWN_LOOK_BACK
from duologue.model.layout import PHONED


@dataclass(slots=True)
class Batch:
    """Flat sequences for training. `source_BN` points into the table of embeddings that `embed` makes, 0 is padding."""

    user_BFM: torch.Tensor  # uint8 levels [B, LOOK_BACK + T * 10, MELS]
    lost_B2T: torch.Tensor  # shares of each turn: sound that never came, own sound never heard
    own_SFM: torch.Tensor  # uint8 levels [S, OWN_LOOK_BACK + 10, MELS] of the S turns in which the model speaks
    own_mel_RF: torch.Tensor  # normalised log-mel [2 S, 400] of the same: the flow head's target
    text_R: torch.Tensor  # typed text and notes
    text_before_R: torch.Tensor  # the token before each, 0 where a window begins
    text_place_R: torch.Tensor
    tokens_BTXC: torch.Tensor  # [B, T, 2, channels]: what is wanted; below 0 where nothing is asked
    given_BTXC: torch.Tensor  # the same as the history shows it, here and there misheard
    speak_BT: torch.Tensor
    important_BT: torch.Tensor  # 1 near an event, where decisions count in full
    source_BN: torch.Tensor
    time_BN: torch.Tensor
    outputs_R: torch.Tensor  # flat indices (b * N + n) of the X positions
    output_of_R: torch.Tensor  # which (b, turn, place) each is, as a flat index into tokens_BTXC
    sounds_R: torch.Tensor  # flat indices of the V positions, in the order of own_mel_RF
    listening_R: torch.Tensor  # flat indices of the A positions
    seen_R: torch.Tensor  # flat indices of the I positions
    beside_BN: torch.Tensor  # bool: all other positions of turns in which the camera sees what nobody speaks of
    letters_RL: torch.Tensor  # letters spoken at each of them and at the one before, 0 or 1 [A positions, 2 * LETTERS]
    own_phones_RP: torch.Tensor  # phonemes around each of the V positions, 0 for none [2 S, TOLD * PHONED], see `layout`
    spoken_RE: torch.Tensor  # the same positions as `pronouncing` remembers them [2 S, ENTRY]
    begun_R: torch.Tensor  # which of them began the speech that each belongs to
    spelled_BS: torch.Tensor  # letters of the words of each row, 1 to LETTERS, then 0
    patches_R: torch.Tensor  # uint8 [pictures, PATCHES, 40, 40, 3]
    moved_R3: torch.Tensor  # int64 [pictures, 3], see `labels.moved`

    def to(self, device: torch.device) -> "Batch":
        """From pinned memory without waiting."""
        return Batch(*(getattr(self, name).to(device, non_blocking=True) for name in self.__slots__))

    def pin_memory(self) -> "Batch":
        return Batch(*(getattr(self, name).pin_memory() for name in self.__slots__))


@dataclass(slots=True)
class Looks:
    """Pictures by themselves, and what there is to see in each."""

    patches_R: torch.Tensor  # uint8 [R, PATCHES, 40, 40, 3]
    wanted_RA: torch.Tensor  # int64: for each aspect which it is, -1 where a picture has none
    there_RK: torch.Tensor  # bool: what is somewhere in it
    pose_RJ: torch.Tensor  # of the one who stands before all, NaN where nobody does
    words_SW: torch.Tensor  # int64: how the answers to the first aspects are written, their tokens, 0 behind the last
    words_KW: torch.Tensor  # and how all that may be there is called
    sizes: tuple[int, ...]  # of each aspect
    groups: tuple[int, ...]  # of K, those alike in kind

    def _each(self, moved: Callable[[torch.Tensor], torch.Tensor]) -> "Looks":
        return Looks(*(moved(getattr(self, name)) for name in self.__slots__[:-2]), self.sizes, self.groups)

    def to(self, device: torch.device) -> "Looks":
        return self._each(lambda t: t.to(device, non_blocking=True))

    def pin_memory(self) -> "Looks":
        return self._each(torch.Tensor.pin_memory)


@dataclass(slots=True)
class Read:
    """Stretches of speeches by themselves, without sound and without a trunk, N positions of own sound each."""

    spoken_SNE: torch.Tensor  # as `pronouncing` remembers them
    phones_SNP: torch.Tensor  # the last phoneme before each, and those that `pronouncing` decides on there [S, N, 1 + FRAMES]
    asked_SN: torch.Tensor  # false behind the end, and where a word may have begun before the stretch

    def to(self, device: torch.device) -> "Read":
        return Read(*(getattr(self, name).to(device, non_blocking=True) for name in self.__slots__))

    def pin_memory(self) -> "Read":
        return Read(*(getattr(self, name).pin_memory() for name in self.__slots__))


@dataclass(slots=True)
class Told:
    """Conversations, and sentences beside them."""

    talk: Batch
    read: Read

    def to(self, device: torch.device) -> "Told":
        return Told(self.talk.to(device), self.read.to(device))


@dataclass(slots=True)
class Lesson:
    """Conversations that show what is to be learned, and others in which nothing is to change."""

    new: Batch
    known: Batch

    def to(self, device: torch.device) -> "Lesson":
        return Lesson(self.new.to(device), self.known.to(device))


def sound_before(batch: Batch) -> torch.Tensor:
    """Normalised own sound of the 100 ms before each V position [2 S, TARGET], as the history has it."""
    own, half = batch.own_SFM[:, OWN_LOOK_BACK - PHONED :], PHONED
    return heard_before(torch.stack([own[:, :half], own[:, half : 2 * half]], 1).flatten(0, 1))


def stretches(batch: Batch, first_W: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`length` V positions from each of these on [W, N], and which of them are of the same speech."""
    at_WN = first_W[:, None] + torch.arange(length, device=first_W.device)
    inside = at_WN.clamp(max=len(batch.begun_R) - 1)
    return inside, (at_WN == inside) & (batch.begun_R[inside] == batch.begun_R[first_W][:, None])
