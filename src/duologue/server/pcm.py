"""Sound on the wire: base64 of 16-bit little-endian mono PCM, at the client's rate, to and from the model's 16 kHz."""

import base64
import binascii

import numpy as np
import soxr

from duologue.media.audio import to_int16
from duologue.server.faults import Fault
from duologue.turn import SAMPLE_RATE_HZ, TURN_MS

CUSHION_MS = 40  # soxr gives its samples in blocks: no block was seen later than 36 ms


def decode_base64(text: str, what: str) -> bytes:
    """Raises Fault for anything that is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault(f"invalid_{what}", f"{what} is not base64 ({error}); send standard base64 with padding") from None


class Decoder:
    """Packets of a client's sound, of any size, to float32 16 kHz samples."""

    def __init__(self, rate_hz: int):
        self.rate_hz = rate_hz
        self.stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")

    def decode(self, text: str) -> np.ndarray:
        """Raises Fault for sound that is not base64 of whole 16-bit samples."""
        data = decode_base64(text, "audio")
        if len(data) % 2 or not data:
            raise Fault("invalid_audio", f"audio has {len(data)} bytes; send 16-bit samples, two bytes each, at least one")
        pcm_S = np.frombuffer(data, "<i2").astype(np.float32) / 32768
        return pcm_S if self.rate_hz == SAMPLE_RATE_HZ else self.stream.resample_chunk(pcm_S)


class Encoder:
    """Turns of own sound to base64 at a client's rate, each exactly one turn long, CUSHION_MS later than it went in."""

    def __init__(self, rate_hz: int):
        self.rate_hz = rate_hz
        self.turn = rate_hz * TURN_MS // 1000
        self.stream = soxr.ResampleStream(SAMPLE_RATE_HZ, rate_hz, 1, dtype="float32")
        self.kept_S = np.zeros(rate_hz * CUSHION_MS // 1000, np.float32)

    def encode(self, pcm_S: np.ndarray) -> str:
        if self.rate_hz != SAMPLE_RATE_HZ:
            self.kept_S = np.concatenate([self.kept_S, self.stream.resample_chunk(pcm_S)])
            pcm_S, self.kept_S = self.kept_S[: self.turn], self.kept_S[self.turn :]
            assert len(pcm_S) == self.turn, f"the resampler owes {self.turn - len(pcm_S)} samples"
        return base64.b64encode(to_int16(pcm_S).astype("<i2").tobytes()).decode("ascii")
