import numpy as np
import pytest
import torch

from duologue.data.bank import Bank, own_split
from duologue.data.bank_writer import Writer
from duologue.data.script import Line, Word
from duologue.data.voices import OWN
from duologue.errors import DataError
from duologue.media.dmel import HISTORY, HOP
from duologue.train.vocoder_crops import draw_batch, load_voice, own_sounds
from duologue.train.vocoder_losses import mel_of
from duologue.turn import SAMPLE_RATE_HZ
from tests.train.buzz import gliding


def test_a_batch_pairs_each_frame_with_its_own_sound():
    batch = draw_batch(gliding(), 3, torch.Generator().manual_seed(0))
    clean = mel_of(batch.pcm_BS[:, 2 * HOP :], batch.pcm_BS[:, 2 * HOP - HISTORY : 2 * HOP])
    off = (clean - batch.mel_BFM[:, 2:]).abs().mean((1, 2))
    shifted = (clean[:, 1:] - batch.mel_BFM[:, 2:-1]).abs().mean((1, 2))
    assert (off < 0.2).all() and (off < shifted).all()
    hz = batch.rate_BF * SAMPLE_RATE_HZ
    assert ((hz > 130) & (hz < 270)).all()


def test_a_bank_without_the_own_voice_is_a_clear_error(tmp_path):
    with pytest.raises(DataError, match="own voice has said nothing"):
        load_voice(own_sounds(Bank(tmp_path)))


def test_what_copies_are_judged_on_is_not_trained_on(tmp_path):
    sentences = [f"number {n} of many sentences" for n in range(60)]
    writer = Writer(OWN, tmp_path)
    for n, text in enumerate(sentences):
        writer.add(Line("hear", "open", text), np.full(HOP, (n + 1) / 100, np.float32), [Word("number", 0.0, 0.02)])
    writer.add(Line("own", "reply", sentences[0]), np.full(HOP, 0.9, np.float32), [Word("number", 0.0, 0.02)])
    writer.close()
    heard = {round(float(sound[0]) / 327.67) for sound in own_sounds(Bank(tmp_path))}
    assert heard == {n + 1 for n, text in enumerate(sentences) if own_split(text) == "train"} | {90} and len(heard) < 61
