"""Sound to and from the wire: every turn its exact length, the same sound, nothing that is not sound."""

import base64

import numpy as np
import pytest

from duologue.server.faults import Fault
from duologue.server.pcm import CUSHION_MS, Decoder, Encoder
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN


def tone(rate_hz: int, seconds: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_every_turn_out_is_exactly_one_turn_long_and_the_same_sound(rate_hz):
    encoder, sound_S = Encoder(rate_hz), tone(SAMPLE_RATE_HZ, 20)
    turns = [base64.b64decode(encoder.encode(turn_S)) for turn_S in sound_S.reshape(-1, SAMPLES_PER_TURN)]
    assert {len(turn) for turn in turns} == {rate_hz // 5 * 2}
    got_S = np.frombuffer(b"".join(turns), "<i2") / 32767
    late = rate_hz * CUSHION_MS // 1000 if rate_hz != SAMPLE_RATE_HZ else 0
    wanted_S = tone(rate_hz, 20)
    assert np.abs(got_S[late + 2000 :] - wanted_S[2000 : len(wanted_S) - late]).max() < 1e-3


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_packets_in_become_the_same_sound_at_16_khz(rate_hz):
    decoder, sent_S = Decoder(rate_hz), (tone(rate_hz, 4) * 32768).astype("<i2")
    parts = [decoder.decode(base64.b64encode(sent_S[k : k + 700].tobytes()).decode()) for k in range(0, len(sent_S), 700)]
    got_S, wanted_S = np.concatenate(parts), tone(SAMPLE_RATE_HZ, 4)
    assert len(wanted_S) - len(got_S) < SAMPLE_RATE_HZ * CUSHION_MS // 1000
    assert np.abs(got_S[1000:] - wanted_S[1000 : len(got_S)]).max() < 1e-3


@pytest.mark.parametrize("text", ["%%%", "abc", "", "AA==", "é"])
def test_what_is_not_sound_is_a_fault(text):
    with pytest.raises(Fault) as caught:
        Decoder(24_000).decode(text)
    assert caught.value.code == "invalid_audio"
