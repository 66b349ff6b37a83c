"""The own voice in the history as the model itself would have spoken it, in place of a recording.

Live there are no recordings: what the model hears of itself is what it drew, and a model that has only ever followed recordings
takes its own slips for the truth (exposure bias). Scheduled sampling (Bengio et al., arXiv 1506.03099) in two passes, all
positions at once (Mihaylova & Martins, arXiv 1906.07651): draw every position from the history that there is, then learn to
follow the recording from what was drawn.
"""

from dataclasses import replace

import torch

from duologue.media.dmel import FRAMES_PER_TURN, MELS
from duologue.model.batch import Batch, sound_before
from duologue.model.drawn import TEMPERATURE
from duologue.model.flow import denormalise
from duologue.model.fuse import OWN_LOOK_BACK
from duologue.model.interaction import InteractionModel
from duologue.model.mouth import quantised


@torch.no_grad()
def heard_itself(model: InteractionModel, batch: Batch, dtype: torch.dtype) -> Batch:
    """The batch with every own sound of its history drawn by the model. A turn that was silent there stays silent.

    The phonemes stay those of the recording: to follow it from others, the model would have to leave some out.
    """
    if not len(batch.sounds_R):
        return batch
    hidden = model.hidden(batch, dtype)
    before, noise = hidden.index_select(0, batch.sounds_R - 1), torch.randn_like(batch.own_mel_RF) * TEMPERATURE**0.5
    condition = model.flow.conditioned(before, batch.own_phones_RP, sound_before(batch), dtype)
    drawn = denormalise(model.flow.sample(condition, noise))
    sound = _placed(quantised(drawn).view(-1, FRAMES_PER_TURN, MELS), batch.own_SFM)
    return replace(batch, own_SFM=sound)


def _placed(drawn_SFM: torch.Tensor, own_SFM: torch.Tensor) -> torch.Tensor:
    """What was drawn [S, 10, MELS] where own_SFM [S, OWN_LOOK_BACK + 10, MELS] has sound, and before it the end of the turn that it follows."""
    here, before = own_SFM[:, OWN_LOOK_BACK:], own_SFM[:, :OWN_LOOK_BACK]
    drawn = drawn_SFM * here.flatten(1).any(1)[:, None, None]
    follows = (before[1:] == here[:-1, -OWN_LOOK_BACK:]).flatten(1).all(1)[:, None, None]
    ends = torch.where(follows, drawn[:-1, -OWN_LOOK_BACK:], before[1:])
    return torch.cat([torch.cat([before[:1], ends]), drawn], 1)
