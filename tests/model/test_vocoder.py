import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from duologue.errors import DataError
from duologue.media.dmel import FLOOR, FRAMES_PER_TURN, HOP, MELS
from duologue.model.vocoder import CYCLE, DELAY, TOP_HZ, Vocoder, load_vocoder, pulses
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN

RATE = 200 / SAMPLE_RATE_HZ


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    torch.manual_seed(0)
    return Vocoder().settle()


def some_mel(rows: int, frames: int) -> torch.Tensor:
    return torch.randn(rows, frames, MELS, generator=torch.Generator().manual_seed(5)) - 1


def in_chunks(vocoder, mel_BFM, lengths):
    state, parts = vocoder.start(len(mel_BFM)), []
    for chunk in mel_BFM.split(lengths, 1):
        pcm, state = vocoder.step(chunk, state)
        parts.append(pcm)
    return torch.cat(parts, 1), state


@pytest.mark.parametrize("lengths", [[10] * 8, [4] * 20, [20, 5, 15, 7, 33], [76, 4]])
def test_chunks_have_the_bits_of_the_whole(vocoder, lengths):
    mel = some_mel(1, 80)
    whole, end = in_chunks(vocoder, mel, [80])
    chunked, chunked_end = in_chunks(vocoder, mel, lengths)
    assert torch.equal(whole, chunked)
    assert all(torch.equal(getattr(end, f.name), getattr(chunked_end, f.name)) for f in fields(end))


@pytest.mark.parametrize("rows", [2, 3, 8, 17])
def test_a_row_does_not_depend_on_its_neighbours(vocoder, rows):
    mel = some_mel(rows, 30)
    together, _ = in_chunks(vocoder, mel, [10] * 3)
    for row in (0, rows - 1):
        alone, _ = in_chunks(vocoder, mel[row : row + 1], [10] * 3)
        assert torch.equal(together[row], alone[0])


def test_rows_of_a_state_can_be_taken_out_and_go_on(vocoder):
    mel = some_mel(3, 20)
    both, state = in_chunks(vocoder, mel[:, :10], [10])
    expected, _ = vocoder.step(mel[:, 10:], state)
    got, _ = vocoder.step(mel[1:2, 10:], state.rows(slice(1, 2)))
    assert torch.equal(expected[1:2], got)


def test_step_leaves_the_old_state_as_it_was(vocoder):
    state = vocoder.start(1)
    first, _ = vocoder.step(some_mel(1, 10), state)
    again, _ = vocoder.step(some_mel(1, 10), state)
    assert torch.equal(first, again)


def test_sound_reaches_exactly_one_frame_of_look_ahead(vocoder):
    """A changed frame j may change the sound from (j - 1) hops on the mel's clock, which comes out a hop later."""
    mel, changed = some_mel(1, 20), some_mel(1, 20)
    changed[:, 12] += 1
    (a, _), (b, _) = (vocoder.step(m, vocoder.start(1)) for m in (mel, changed))
    first = (a != b).nonzero()[0, 1].item()
    assert 12 * HOP - DELAY <= first - DELAY < 12 * HOP
    assert a.shape == (1, 20 * HOP)


def test_flush_is_what_a_floor_turn_would_begin_with(vocoder):
    _, state = vocoder.step(some_mel(1, FRAMES_PER_TURN), vocoder.start(1))
    tail, _ = vocoder.flush(state)
    quiet, _ = vocoder.step(torch.full((1, FRAMES_PER_TURN, MELS), FLOOR), state)
    assert torch.equal(tail, quiet[:, :DELAY])
    assert quiet.shape == (1, SAMPLES_PER_TURN)


def test_pulses_are_the_sum_of_cosines_of_unit_power():
    pcm, phase = pulses(torch.full((1, 25), RATE), torch.full((1,), RATE), torch.zeros(1, dtype=torch.long))
    n = np.arange(1, 25 * HOP + 1)
    count = math.floor(TOP_HZ / 200)
    expected = sum(np.cos(2 * np.pi * h * RATE * n) for h in range(1, count + 1)) * math.sqrt(4 * RATE)
    assert np.abs(pcm[0].numpy() - expected).max() < 1e-2
    assert pcm.square().mean().item() == pytest.approx(1, abs=0.05)
    assert phase.item() == round(25 * HOP * RATE * CYCLE) % CYCLE


def test_a_held_pitch_does_not_jump_at_frame_edges():
    """213 Hz does not fit a hop: without a phase that is carried on, each 20 ms would begin anew."""
    rate = torch.full((1, 50), 213 / SAMPLE_RATE_HZ)
    pcm, _ = pulses(rate, rate[:, 0], torch.zeros(1, dtype=torch.long))
    spectrum = torch.fft.rfft(pcm[0] * torch.hann_window(50 * HOP)).abs().square()
    near = sum(spectrum[213 * h - 4 : 213 * h + 5].sum() for h in range(1, 38))
    assert near / spectrum.sum() > 0.999


def test_size_is_what_can_ship(vocoder):
    count = sum(p.numel() for p in vocoder.parameters())
    assert count > 1_000_000 and 2 * count < 4_000_000


def test_load_gives_the_saved_voice_and_names_a_bad_file(vocoder, tmp_path):
    path = tmp_path / "voice.safetensors"
    save_file({k: v.bfloat16() for k, v in vocoder.state_dict().items()}, path)
    loaded = load_vocoder(path)
    assert all(torch.equal(p, q.bfloat16().float()) for p, q in zip(loaded.parameters(), vocoder.parameters()))
    path.write_bytes(b"torn")
    with pytest.raises(DataError, match="voice.safetensors"):
        load_vocoder(path)
