"""The weights in the package: small enough, whole, and alive on the shipped recording."""

from pathlib import Path

import numpy as np
import pytest

from duologue.engine.engine import WEIGHTS, load
from duologue.live import Conversation
from duologue.media.audio import in_turns
from duologue.media.audio import load as load_sound
from duologue.turn import TurnIn, silence

QUESTION = Path(__file__).parent.parent / "examples" / "question.wav"


@pytest.fixture(scope="module")
def voiced():
    return load()


def test_nano_keeps_to_its_size(voiced):
    assert sum(p.numel() for p in voiced.model.parameters()) <= 28_600_000
    assert (WEIGHTS / "nano.safetensors").stat().st_size <= 58_000_000


def test_the_vocoder_keeps_to_its_size(voiced):
    assert 1_000_000 <= sum(p.numel() for p in voiced.vocoder.parameters()) <= 2_000_000


def test_it_answers_the_recording_and_is_quiet_when_nobody_speaks(voiced):
    conversation = Conversation(voiced=voiced)
    turns = [TurnIn(k, pcm.astype(np.float32)) for k, pcm in enumerate(in_turns(load_sound(QUESTION)))]
    outs = [conversation.step(turn) for turn in turns]
    assert any(o.speak for o in outs) and any(o.said for o in outs) and any(o.heard for o in outs)
    assert not any(o.speak for o in outs[:4])
    alone = Conversation(voiced=voiced)
    quiet = [alone.step(silence(k)) for k in range(50)]
    assert not any(o.speak for o in quiet) and not np.concatenate([o.pcm_S for o in quiet]).any()
