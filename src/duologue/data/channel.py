"""From the user's mouth to the samples that arrive: rooms, echo, noise, microphone, codec and network.

A `Channel` says what happens, as plain values; `draw_channel` draws one, `transmit` applies it. Read `transmit` first.
All sound is float32 mono 16 kHz; no step moves sound in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import av
import numpy as np
from scipy import signal

from duologue.data.noise import TEST_NOISES, TRAIN_NOISES, kinds_of, make_noise
from duologue.errors import ConfigError
from duologue.media.audio import resample, to_int16
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN

PACKET = SAMPLE_RATE_HZ // 50  # 20 ms
PACKETS_PER_TURN = SAMPLES_PER_TURN // PACKET
SPEECH_DBFS = -23.0  # level of undisturbed speech
ROOMS = 50  # in each of the two sets, training and test
PLACES = ("user", "other", "television", "echo")  # each room has an impulse response for each


@dataclass(frozen=True, slots=True)
class Channel:
    """What happens to the user's sound. Levels are of speech while somebody speaks; the default changes nothing."""

    room: int | None = None  # index into `rooms`; negative ones are the test set's
    noise: str | None = None
    snr_db: float = 30.0
    echo_db: float | None = None  # own voice in the microphone, against the user's
    echo_ms: float = 60.0
    level_dbfs: float = SPEECH_DBFS
    tilt_db: float = 0.0  # the microphone's treble against its bass
    gain_control: bool = False
    clip_db: float = 0.0  # how far peaks are driven over full scale
    codec: str | None = None  # "narrow" (8 kHz), "opus" or "mulaw" (8 kHz, G.711)
    opus_bps: int = 12_000
    loss: float = 0.0  # share of 20 ms packets that never arrive
    burst: float = 1.5  # mean length of a loss, packets
    outages_s: tuple[float, ...] = ()


CLEAN = Channel()


def draw_channel(rng: np.random.Generator, level: str, speeches: bool = False) -> Channel:
    """A channel for `level`: "clean", "mild" (one in four as in "train", else only levels differ: what a curriculum begins
    with), "train", or "test-noise" (noise kinds, rooms and codec never trained on).

    `speeches` says whether there is speech to make babble of.
    """
    if level == "clean":
        return CLEAN
    if level == "mild" and rng.random() < 0.75:
        return Channel(level_dbfs=rng.uniform(-36, -14), tilt_db=rng.normal(0, 3))
    if level in ("mild", "train"):
        return _draw_train(rng, speeches)
    if level == "test-noise":
        return _draw_test(rng, speeches)
    raise ConfigError(f"augment must be clean, mild, train or test-noise, got {level!r}")


def _draw_train(rng: np.random.Generator, speeches: bool) -> Channel:
    chance = rng.random(8)
    lossy = chance[5] < 0.4
    outages = rng.integers(1, 3) if lossy and chance[6] < 0.3 else 0
    return Channel(
        room=int(rng.integers(ROOMS)) if chance[0] < 0.7 else None,
        noise=str(rng.choice(kinds_of(TRAIN_NOISES, speeches))) if chance[1] < 0.6 else None,
        snr_db=rng.uniform(5, 40),
        echo_db=rng.uniform(-45, -15) if chance[2] < 0.3 else None,
        echo_ms=rng.uniform(30, 250),
        level_dbfs=rng.uniform(-36, -14),
        tilt_db=rng.normal(0, 3),
        gain_control=chance[3] < 0.15,
        clip_db=rng.uniform(3, 15) if chance[3] > 0.95 else 0.0,
        codec="opus" if chance[4] < 0.1 else "narrow" if chance[4] < 0.2 else None,
        opus_bps=int(rng.integers(8_000, 24_001)),
        loss=rng.uniform(0, 0.1) if lossy else 0.0,
        burst=rng.uniform(1, 5),
        outages_s=tuple(rng.uniform(0.2, 2, outages)),
    )


def _draw_test(rng: np.random.Generator, speeches: bool) -> Channel:
    return Channel(
        room=-1 - int(rng.integers(ROOMS)),
        noise=str(rng.choice(kinds_of(TEST_NOISES, speeches))),
        snr_db=rng.uniform(5, 20),
        level_dbfs=rng.uniform(-32, -18),
        codec="mulaw" if rng.random() < 0.3 else None,
    )


def transmit(
    channel: Channel,
    tracks: dict[str, np.ndarray],
    rng: np.random.Generator,
    speeches: Sequence[np.ndarray] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """What arrives of `tracks` (PLACES to equally long float32 sounds of whole turns; "echo" is the own voice).

    Returns:
        Samples as received, lost packets as zeros, and the number of lost packets in each turn, uint8.
    """
    placed = {place: _in_room(channel, place, track_S) for place, track_S in tracks.items()}
    spoken = speech_level(placed["user"]) or 10 ** (SPEECH_DBFS / 20)
    if channel.echo_db is not None and (own := speech_level(tracks["echo"])):
        placed["echo"] *= np.float32(spoken / own * 10 ** (channel.echo_db / 20))
    else:
        placed.pop("echo", None)
    mixed_S = sum(placed.values())
    if channel.noise:
        noise_S = make_noise(rng, channel.noise, len(mixed_S), speeches)
        mixed_S = mixed_S + noise_S * np.float32(spoken * 10 ** (-channel.snr_db / 20) / (_rms(noise_S) + 1e-9))
    mixed_S = mixed_S * np.float32(10 ** (channel.level_dbfs / 20) / spoken)
    return _network(channel, _codec(channel, _microphone(channel, mixed_S)), rng)


def _rms(pcm_S: np.ndarray) -> float:
    return float(np.sqrt(np.vdot(pcm_S, pcm_S) / max(1, len(pcm_S))))


def speech_level(pcm_S: np.ndarray) -> float:
    """Root mean square of the 20 ms frames within 30 dB of the loudest (0.0 for silence)."""
    frames_FS = pcm_S[: len(pcm_S) // PACKET * PACKET].reshape(-1, PACKET)
    power_F = np.einsum("fs,fs->f", frames_FS, frames_FS) / PACKET
    loud_F = power_F[power_F > 1e-3 * power_F.max(initial=0)]
    return float(np.sqrt(loud_F.mean())) if len(loud_F) else 0.0


@lru_cache(maxsize=2)
def rooms(test: bool = False) -> list[dict[str, np.ndarray]]:
    """ROOMS rooms, each an impulse response [samples] for each of PLACES; always the same ones."""
    rng = np.random.default_rng([2207, test])
    return [_room(rng) for _ in range(ROOMS)]


def _room(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One room: decay time, size and damping are the room's; how near the source is, each place's."""
    rt60_s, damping, size_ms = rng.uniform(0.1, 0.7), rng.uniform(0.1, 0.7), rng.uniform(4, 25)
    direct_db = {"user": (0, 18), "other": (-6, 8), "television": (-6, 8), "echo": (0, 14)}
    return {p: _impulse_response(rng, rt60_s, damping, size_ms, rng.uniform(*direct_db[p])) for p in PLACES}


def _impulse_response(
    rng: np.random.Generator, rt60_s: float, damping: float, size_ms: float, direct_db: float
) -> np.ndarray:
    """Direct sound at sample 0, six early reflections, and an exponential tail down to -45 dB, duller as it fades.

    `direct_db` is the direct sound's energy over that of all the rest.
    """
    length = int(0.75 * rt60_s * SAMPLE_RATE_HZ)
    time_S = np.arange(length) / SAMPLE_RATE_HZ
    decay_S = 10 ** (-3 * time_S / rt60_s)
    dull_S = signal.lfilter([1 - damping], [1, -damping], rng.standard_normal(length))
    bright = np.exp(-time_S / (0.15 * rt60_s))
    rest_S = decay_S * (dull_S + bright * (rng.standard_normal(length) - dull_S)) * (time_S > size_ms / 1000)
    early = (rng.uniform(0.3, 2.0, 6) * size_ms / 1000 * SAMPLE_RATE_HZ).astype(int)
    rest_S[np.minimum(early, length - 1)] += rng.uniform(-1, 1, 6) * 4
    rest_S *= 10 ** (-direct_db / 20) / (np.sqrt(np.sum(rest_S**2)) + 1e-9)
    rest_S[0] = 1
    return rest_S.astype(np.float32)


def _in_room(channel: Channel, place: str, track_S: np.ndarray) -> np.ndarray:
    """The track as the microphone hears it from its place: room, microphone colour, and the echo's delay and dullness."""
    if not track_S.any():
        return track_S
    kernel = np.ones(1, np.float32)
    if channel.room is not None:
        kernel = rooms(test=channel.room < 0)[channel.room][place]
    if channel.tilt_db:
        treble = 10 ** (channel.tilt_db / 20)
        kernel = np.convolve(kernel, np.float32([(1 + treble) / 2, (1 - treble) / 2]))
    if place == "echo":
        late = np.zeros(int(channel.echo_ms * SAMPLE_RATE_HZ / 1000), np.float32)
        kernel = np.concatenate([late, np.convolve(kernel, np.full(4, 0.25, np.float32))])
    return signal.fftconvolve(track_S, kernel)[: len(track_S)] if len(kernel) > 1 else track_S


def _microphone(channel: Channel, pcm_S: np.ndarray) -> np.ndarray:
    """Automatic gain, overdrive, and the end of the scale."""
    if channel.gain_control:
        pcm_S = _gain_control(pcm_S)
    if channel.clip_db:
        pcm_S = pcm_S * np.float32(10 ** (channel.clip_db / 20) / (np.abs(pcm_S).max() + 1e-9))
    return np.clip(pcm_S, -1, 1)


def _gain_control(pcm_S: np.ndarray, target_db: float = -20.0) -> np.ndarray:
    """Pulls the level of the last second to the target, by at most 20 dB."""
    frames_FS = pcm_S.reshape(-1, PACKET)
    level_db_F = 10 * np.log10(np.einsum("fs,fs->f", frames_FS, frames_FS) / PACKET + 1e-6)
    wanted_db_F = np.clip(target_db - level_db_F, -20, 20)
    gain_db_F = signal.lfilter([0.02], [1, -0.98], wanted_db_F)
    gain_db_S = np.interp(np.arange(len(pcm_S)), np.arange(len(gain_db_F)) * PACKET, gain_db_F)
    return pcm_S * np.float32(10) ** (gain_db_S / 20).astype(np.float32)


def _codec(channel: Channel, pcm_S: np.ndarray) -> np.ndarray:
    if channel.codec is None:
        return pcm_S
    if channel.codec == "opus":
        return opus(pcm_S, channel.opus_bps)
    narrow_S = resample(pcm_S, SAMPLE_RATE_HZ, 8000)
    if channel.codec == "mulaw":
        steps = np.rint(np.sign(narrow_S) * np.log1p(255 * np.minimum(np.abs(narrow_S), 1)) / np.log(256) * 127) / 127
        narrow_S = (np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255).astype(np.float32)
    return _as_long(resample(narrow_S, 8000, SAMPLE_RATE_HZ), len(pcm_S))


def _as_long(pcm_S: np.ndarray, samples: int) -> np.ndarray:
    return np.pad(pcm_S[:samples], (0, max(0, samples - len(pcm_S))))


def opus(pcm_S: np.ndarray, bits_per_second: int) -> np.ndarray:
    """Through libopus and back, its delay taken out."""
    coder = av.CodecContext.create("libopus", "w")
    coder.sample_rate, coder.format, coder.layout, coder.bit_rate = SAMPLE_RATE_HZ, "s16", "mono", bits_per_second
    coder.options = {"compression_level": "0", "application": "voip"}
    coder.open()
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout, decoder.extradata = SAMPLE_RATE_HZ, "mono", coder.extradata
    pieces = []
    for index, packet in enumerate(np.pad(to_int16(pcm_S), (0, 2 * PACKET)).reshape(-1, PACKET)):
        frame = av.AudioFrame.from_ndarray(packet[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, index * PACKET
        pieces += [part.to_ndarray()[0] for data in coder.encode(frame) for part in decoder.decode(data)]
    decoded_S = np.concatenate(pieces).astype(np.float32) / 32768
    return _as_long(resample(decoded_S, decoder.sample_rate, SAMPLE_RATE_HZ), len(pcm_S))


def _network(channel: Channel, pcm_S: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    packets_PS = pcm_S.reshape(-1, PACKET)
    lost_P = lost_packets(rng, len(packets_PS), channel.loss, channel.burst)
    for seconds in channel.outages_s:
        length = int(seconds * 50)
        begin = rng.integers(max(1, len(lost_P) - length))
        lost_P[begin : begin + length] = True
    missing_T = lost_P.reshape(-1, PACKETS_PER_TURN).sum(1).astype(np.uint8)
    return np.where(lost_P[:, None], np.float32(0), packets_PS).reshape(-1), missing_T


def lost_packets(rng: np.random.Generator, packets: int, loss: float, burst: float) -> np.ndarray:
    """Which packets a Gilbert-Elliott line loses, bool [packets]: on average a share `loss` in runs of `burst`."""
    if loss <= 0:
        return np.zeros(packets, bool)
    good = burst * (1 - loss) / loss
    runs = int(packets / (good + burst) * 3) + 10
    lengths = np.stack([rng.geometric(min(1.0, 1 / good), runs), rng.geometric(1 / burst, runs)], 1).reshape(-1)
    return np.resize(np.repeat(np.tile([False, True], runs), lengths), packets)
