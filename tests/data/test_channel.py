"""Rooms, noise, codecs and lost packets: each does what it says, and none moves sound in time."""

import dataclasses

import numpy as np
import pytest

from duologue.data import channel as c
from duologue.data.noise import TEST_NOISES, TRAIN_NOISES, make_noise
from duologue.errors import ConfigError
from duologue.turn import SAMPLES_PER_TURN
from tests.data.synthetic import RATE, burst, speech

TURNS = 20
SAMPLES = TURNS * SAMPLES_PER_TURN


def tracks(**sounds: np.ndarray) -> dict[str, np.ndarray]:
    placed = {place: np.zeros(SAMPLES, np.float32) for place in c.PLACES}
    for place, sound in sounds.items():
        placed[place][RATE : RATE + len(sound)] = sound
    return placed


def send(channel: c.Channel, seed: int = 0, **sounds: np.ndarray) -> np.ndarray:
    return c.transmit(channel, tracks(**sounds), np.random.default_rng(seed), [speech("la la").pcm_S])[0]


def db(ratio: float) -> float:
    return 20 * np.log10(ratio)


def test_a_clean_channel_only_sets_the_level():
    sound = burst(160, 1.0)
    received = send(c.CLEAN, user=sound)
    assert np.corrcoef(received, tracks(user=sound)["user"])[0, 1] > 0.9999
    assert db(c.speech_level(received)) == pytest.approx(c.SPEECH_DBFS, abs=0.1)


@pytest.mark.parametrize(
    "channel",
    [c.Channel(room=3), c.Channel(room=-3), c.Channel(tilt_db=4), c.Channel(gain_control=True), c.Channel(codec="opus"),
     c.Channel(codec="narrow"), c.Channel(codec="mulaw"), c.Channel(clip_db=10)],
)  # fmt: skip
def test_no_step_moves_sound_in_time(channel):
    sound = np.random.default_rng(1).normal(0, 0.1, RATE // 2).astype(np.float32) * np.hanning(RATE // 2)
    low = np.convolve(sound, np.hanning(12) / 6, "same").astype(np.float32)
    received = send(channel, user=low)
    match = np.correlate(received[RATE - 400 : RATE + len(low) + 400], low, "valid")
    assert abs(match.argmax() - 400) <= 16  # 1 ms


@pytest.mark.parametrize("kind", [*TRAIN_NOISES, *TEST_NOISES])
def test_noise_is_as_loud_as_asked(kind):
    quiet, noisy = (send(c.Channel(noise=n, snr_db=10.0), user=burst(160, 2)) for n in (None, kind))
    noise = noisy - quiet
    assert np.isfinite(noisy).all()
    assert db(c.speech_level(quiet)) - db(np.sqrt(np.mean(noise**2))) == pytest.approx(10, abs=0.5)


def test_noises_differ_and_test_noises_are_apart():
    assert not set(TRAIN_NOISES) & set(TEST_NOISES)
    rng = np.random.default_rng(0)
    drawn = [c.draw_channel(rng, "train", speeches=True) for _ in range(400)]
    assert {d.noise for d in drawn} == {None, *TRAIN_NOISES}
    assert "mulaw" not in {d.codec for d in drawn}
    assert all(d.room is None or d.room >= 0 for d in drawn)
    heard = [c.draw_channel(rng, "test-noise", speeches=True) for _ in range(100)]
    assert {d.noise for d in heard} == set(TEST_NOISES)
    assert all(d.room < 0 for d in heard)
    assert "babble" not in {c.draw_channel(rng, "train").noise for _ in range(200)}


def test_a_channel_as_often_as_promised():
    rng = np.random.default_rng(0)
    drawn = [c.draw_channel(rng, "train") for _ in range(1000)]
    assert 0.35 < np.mean([d.noise is None for d in drawn]) < 0.45
    assert 0.25 < np.mean([d.echo_db is not None for d in drawn]) < 0.35
    assert 0.35 < np.mean([d.loss > 0 for d in drawn]) < 0.45


def test_an_unknown_level_is_a_config_error():
    with pytest.raises(ConfigError, match="loud"):
        c.draw_channel(np.random.default_rng(0), "loud")


def test_the_echo_is_late_and_as_quiet_as_asked():
    channel = c.Channel(echo_db=-20.0, echo_ms=100.0)
    user, own = burst(160, 0.3), burst(220, 0.8)
    placed = tracks(echo=own)
    placed["user"][: len(user)] = user
    received = c.transmit(channel, placed, np.random.default_rng(0))[0]
    loud = np.flatnonzero(np.abs(received[RATE // 2 :]) > 1e-3)[0] + RATE // 2
    assert loud / RATE == pytest.approx(1.1, abs=0.01)
    assert db(c.speech_level(received[RATE:])) - db(c.speech_level(received[:RATE])) == pytest.approx(-20, abs=1.5)


def test_without_echo_the_own_voice_is_not_heard():
    assert not send(c.CLEAN, echo=burst(220, 0.5)).any()


def test_rooms_decay_and_start_with_the_direct_sound():
    for room in c.rooms()[:10]:
        for response in room.values():
            assert response[0] == 1
            tail = len(response) // 4
            assert np.sum(response[-tail:] ** 2) < 0.01 * np.sum(response**2)
    assert not np.array_equal(c.rooms()[0]["user"], c.rooms(test=True)[0]["user"])


@pytest.mark.parametrize(("loss", "burst_packets"), [(0.02, 1.5), (0.1, 4.0)])
def test_packets_are_lost_in_bursts(loss, burst_packets):
    lost_P = c.lost_packets(np.random.default_rng(0), 200_000, loss, burst_packets)
    assert lost_P.mean() == pytest.approx(loss, rel=0.15)
    begun = np.count_nonzero(lost_P[1:] & ~lost_P[:-1])
    assert lost_P.sum() / begun == pytest.approx(burst_packets, rel=0.15)


def test_lost_sound_is_zero_and_counted():
    placed = tracks()
    placed["user"][:] = burst(160, SAMPLES / RATE)
    channel = c.Channel(loss=0.1, outages_s=(1.0,))
    received, missing_T = c.transmit(channel, placed, np.random.default_rng(0))
    silent_P = ~received.reshape(-1, c.PACKET).any(1)
    assert missing_T.tolist() == silent_P.reshape(TURNS, -1).sum(1).tolist()
    assert missing_T.max() == 10
    assert 50 <= missing_T.sum() < 100


def test_narrow_codecs_take_the_treble_away():
    hiss = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
    for codec in ("narrow", "mulaw"):
        power = np.abs(np.fft.rfft(send(c.Channel(codec=codec), user=hiss))) ** 2
        assert power[len(power) * 5 // 8 :].sum() < 0.01 * power.sum()


def test_gain_control_lifts_the_quiet():
    far = dataclasses.replace(c.CLEAN, level_dbfs=-38.0)
    controlled = send(dataclasses.replace(far, gain_control=True), user=burst(160, 2.5))
    assert db(c.speech_level(controlled)) > -32


def test_the_same_seed_makes_the_same_noise():
    for kind in TRAIN_NOISES:
        once, again = (make_noise(np.random.default_rng(5), kind, 8000, [burst(160, 0.2)]) for _ in range(2))
        assert np.array_equal(once, again)
