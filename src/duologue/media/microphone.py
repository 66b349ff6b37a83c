"""The sound card as micro-turns: `open_card` gives the turns heard and a function that plays. Needs the `mic` extra."""

from collections.abc import Callable, Iterator

import numpy as np

from duologue.errors import ConfigError
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN


def open_card() -> tuple[Iterator[np.ndarray], Callable[[np.ndarray], None]]:
    """Turns of the microphone until Ctrl-C, and what plays one turn on the loudspeaker; both keep real time.

    Raises:
        ConfigError: sounddevice, PortAudio or a sound card is missing.
    """
    try:
        import sounddevice

        card = sounddevice.Stream(SAMPLE_RATE_HZ, SAMPLES_PER_TURN, channels=1, dtype="float32")
        card.start()
    except ImportError as error:
        raise ConfigError("the microphone needs sounddevice: pip install 'duologue[mic]'") from error
    except OSError as error:  # sounddevice itself, when the PortAudio library is missing
        raise ConfigError(f"the microphone needs PortAudio (Debian: apt install libportaudio2): {error}") from error
    except sounddevice.PortAudioError as error:
        raise ConfigError(f"no usable sound card: {error}") from error
    return _turns(card), lambda pcm_S: card.write(pcm_S[:, None])


def _turns(card) -> Iterator[np.ndarray]:
    try:
        while True:
            pcm_S1, _ = card.read(SAMPLES_PER_TURN)
            yield pcm_S1[:, 0].copy()
    except KeyboardInterrupt:
        return
    finally:
        card.close()
