"""What every client program shares: a recording in real time, and one line of JSON about what came back."""

import json
import wave

import numpy as np

RATE_HZ = 24_000
PACKET_S = 0.02


def packets(path: str, tail_s: float) -> list[bytes]:
    """20 ms of 16-bit 24 kHz sound each: the recording, then silence."""
    with wave.open(path) as file:
        pcm_S = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
        at_S = np.arange(0, len(pcm_S), file.getframerate() / RATE_HZ)
    pcm_S = np.interp(at_S, np.arange(len(pcm_S)), pcm_S).astype("<i2")
    pcm_S = np.concatenate([pcm_S, np.zeros(int(tail_s * RATE_HZ), "<i2")])
    size = int(PACKET_S * RATE_HZ)
    return [pcm_S[k : k + size].tobytes() for k in range(0, len(pcm_S) - size + 1, size)]


def report(sound: bytes, heard: str, said: str) -> None:
    """The last line of the program's output."""
    pcm_S = np.frombuffer(sound, "<i2").astype(np.int32)
    loud_s = float((np.abs(pcm_S) > 300).sum()) / RATE_HZ
    print(json.dumps({"heard": heard, "said": said, "sound_s": len(pcm_S) / RATE_HZ, "loud_s": loud_s}), flush=True)
