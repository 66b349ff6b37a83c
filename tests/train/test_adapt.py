"""Adapting to recordings: a voice that was never heard is understood better, in sentences that were never heard."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from duologue.config import tiny
from duologue.data import recordings
from duologue.data.bank import Bank
from duologue.data.bank_writer import Writer
from duologue.data.families import hear
from duologue.data.script import Line, Speech, Word
from duologue.data.shards import Recipe, make_shards
from duologue.data.voices import OWN
from duologue.data.word_times import by_letters
from duologue.errors import DataError
from duologue.model import checkpoint
from duologue.model.interaction import InteractionModel
from duologue.train import adapt
from duologue.train.forced import forced
from duologue.train.loop import Plan
from tests.data.synthetic import burst

HZ = dict(zip(("boat", "rain", "fox", "tea", "hat", "moon"), (130, 240, 430, 700, 1100, 1700), strict=True))
STEPS = 40


def said(rng: np.random.Generator, pitch: float) -> Speech:
    """Four words, each a tone of its own; `pitch` is the voice."""
    words = [str(word) for word in rng.choice(list(HZ), 4)]
    sounds = [np.concatenate([burst(HZ[word] * pitch, 0.35), np.zeros(960, np.float32)]) for word in words]
    times = tuple(Word(word, 0.41 * k, 0.41 * k + 0.35) for k, word in enumerate(words))
    return Speech(" ".join(words), "", np.concatenate(sounds), times)


def fill_bank(rng: np.random.Generator, voice: str, pitch: float) -> None:
    writer = Writer(voice)
    for _ in range(60):
        speech = said(rng, pitch)
        writer.add(Line("hear", "open", speech.text), speech.pcm_S, speech.words)
    writer.close()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.setenv("DUOLOGUE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recordings, "timer", lambda: by_letters)
    monkeypatch.setattr("duologue.data.shards.SHARD_S", 120.0)
    monkeypatch.setattr(adapt, "SHARD_S", 120.0)
    monkeypatch.setattr(adapt, "CASES", 2)
    monkeypatch.setattr(adapt, "KEPT", ())  # the frozen conversations take long, and tell nothing of a toy
    rng = np.random.default_rng(4)
    for n in range(120):
        speech = said(rng, 1.3)
        (tmp_path / "voice").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "voice" / f"{n}.wav", speech.pcm_S, 16_000)
        (tmp_path / "voice" / f"{n}.txt").write_text(speech.text)
    torch.manual_seed(0)
    checkpoint.save(tmp_path / "init.safetensors", InteractionModel(tiny()))
    return tmp_path


def test_an_unseen_voice_is_heard_better_in_unseen_sentences(folder):
    fill_bank(np.random.default_rng(5), OWN, 0.9)
    fill_bank(np.random.default_rng(6), "flite/slt-s100-p100", 1.0)
    plan = Plan(out=folder / "run", steps=STEPS, warmup=5, rate=1.0, decay=0.3, save_every=1000)
    adapted = adapt.adapt(folder / "voice", folder / "init.safetensors", plan, shards=2, rows=4)
    recipe = Recipe(Bank(adapted.recordings.folder), {"hear": (hear, 1.0)}, 9, "test", "clean")
    make_shards(folder / "unheard", 60, recipe)
    rates = [forced(checkpoint.load(path)[0].eval(), folder / "unheard", 6)["hear token"] for path in (folder / "init.safetensors", folder / "run" / "model.safetensors")]
    assert rates[1].low > rates[0].high
    before, end, mean = (checkpoint.load(folder / path)[0].trunk.norm.weight for path in ("init.safetensors", "run/model.safetensors", "run/adapted.safetensors"))
    torch.testing.assert_close(mean, (before + end) / 2)


def test_without_voices_to_mix_in_nothing_is_begun(folder):
    with pytest.raises(DataError, match="duologue synth voices"):
        adapt.adapt(folder / "voice", folder / "init.safetensors", Plan(out=folder / "run", steps=1))
    assert not (folder / "run").exists()
