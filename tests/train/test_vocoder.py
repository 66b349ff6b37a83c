import numpy as np
import pytest
import torch

import duologue.train.vocoder as trainer
from duologue.errors import DataError
from duologue.media.dmel import FLOOR, HISTORY, HOP, log_mel
from duologue.model.vocoder import PITCH_BINS, PITCH_HIGH_HZ, PITCH_LOW_HZ, load_vocoder, read_pitch
from duologue.train.pitch import track
from duologue.train.vocoder_crops import Voice
from duologue.train.vocoder_losses import mel_of, pitch_loss
from duologue.turn import SAMPLE_RATE_HZ
from tests.full_disk import files_up_to
from tests.train.buzz import glide, gliding


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(trainer, "BATCH_PLAIN", 2)
    monkeypatch.setattr(trainer, "BATCH_CRITICS", 2)


@pytest.fixture(scope="module")
def voice() -> Voice:
    return gliding()


def test_track_follows_a_glide_and_calls_noise_unvoiced():
    pcm, hz = glide(2)
    rate, voiced = track(pcm)
    assert voiced[2:-2].all()
    assert np.abs(rate * SAMPLE_RATE_HZ / hz[HOP // 2 :: HOP] - 1)[2:-2].max() < 0.01
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE_HZ).astype(np.float32)
    assert track(noise)[1].mean() < 0.1


def test_mel_of_is_the_log_mel_that_the_model_speaks():
    pcm, _ = glide(0.6)
    pcm = torch.from_numpy(pcm[: 28 * HOP])
    got = mel_of(pcm[None, HISTORY:-160], pcm[None, :HISTORY])[0]
    expected = log_mel(pcm[HISTORY:-160].numpy(), pcm[:HISTORY].numpy())
    np.testing.assert_allclose(got.clamp(min=FLOOR), np.maximum(expected, FLOOR), atol=1e-3)


def test_the_pitch_label_and_its_reading_agree():
    rate = torch.tensor([[150, 200.0, 333.3]]) / SAMPLE_RATE_HZ
    span = np.log(PITCH_HIGH_HZ / PITCH_LOW_HZ) / (PITCH_BINS - 1)
    place = torch.log(rate * SAMPLE_RATE_HZ / PITCH_LOW_HZ) / span
    logits = -((torch.arange(PITCH_BINS) - place[..., None]) ** 2) / 2
    torch.testing.assert_close(read_pitch(logits), rate, rtol=2e-3, atol=0)
    sounds = torch.ones_like(rate, dtype=torch.bool)
    right, wrong = (pitch_loss(x, rate, sounds) for x in (logits, logits.roll(5, -1)))
    assert right < 1.5 < wrong


def run_steps(run, voice, count):
    losses = {}
    for _ in range(count):
        losses = trainer.one_step(run, voice, 100)
        run.step += 1
    return losses


@pytest.mark.parametrize("seconds", [0.0, trainer.PHASE_1_MINUTES * 60])
def test_a_restored_run_goes_on_with_the_same_bits(voice, tmp_path, seconds):
    run = trainer.new_run()
    run.seconds = float(seconds)
    run_steps(run, voice, 1)
    trainer.save(run, tmp_path)
    straight = run_steps(run, voice, 1)
    restored = trainer.restore(trainer.new_run(), tmp_path)
    assert run_steps(restored, voice, 1) == straight
    assert ("critics" in straight) == bool(seconds)
    for a, b in zip(run.average.parameters(), restored.average.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_full_disk_leaves_the_checkpoint_before(voice, tmp_path):
    run = trainer.new_run()
    trainer.save(run, tmp_path)
    run.step = 7
    with files_up_to(100_000), pytest.raises(DataError, match="free some space"):
        trainer.save(run, tmp_path)
    with files_up_to(0), pytest.raises(DataError, match=r"events\.out.*free some space"):
        trainer.train(voice, tmp_path, 100)
    assert trainer.restore(trainer.new_run(), tmp_path).step == 0 and not list(tmp_path.glob("*.part"))


def test_training_lowers_the_loss_and_export_ships_the_mean(voice, tmp_path):
    run = trainer.new_run()
    first = run_steps(run, voice, 1)
    for _ in range(12):
        last = run_steps(run, voice, 1)
    assert last["mel"] < first["mel"]
    trainer.save(run, tmp_path)
    trainer.export(tmp_path, tmp_path / "ship" / "voice.safetensors")
    assert (tmp_path / "ship" / "voice.safetensors").stat().st_size < 4_000_000
    shipped = load_vocoder(tmp_path / "ship" / "voice.safetensors")
    torch.testing.assert_close(shipped.enter.weight, run.average.enter.weight, rtol=0.01, atol=1e-4)
