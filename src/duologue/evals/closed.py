"""A second ear that knows nothing but the words of the world: PocketSphinx, all of them equally likely. Read `closed_words`.

Not a forced choice: any of some thousand words may follow any other, and its own fillers stand for noise. It shares no weights
and no training with Whisper, so what both hear was said.
"""

import importlib
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from zlib import crc32

import numpy as np

from duologue.config import cache_dir
from duologue.data.bank import spoken_words
from duologue.errors import ConfigError
from duologue.evals.draws import FAMILIES
from duologue.evals.judge import OPENINGS, kept
from duologue.evals.world import WORLD
from duologue.media.audio import to_int16


@lru_cache(1)
def vocabulary() -> tuple[str, ...]:
    """Every word that a right answer can have."""
    families = [importlib.import_module(f"duologue.data.families.{name}") for name in FAMILIES]
    said = (text for family in families for text in family.own_texts())
    return tuple(sorted({word for text in (*said, *WORLD, *OPENINGS) for word in spoken_words(text)}))


def closed_words(store: Path | None = None) -> Callable[[np.ndarray], str]:
    """Float32 mono 16 kHz to words. Raises ConfigError when the extra `eval` is not installed."""
    folder = store or cache_dir() / "evals"
    folder.mkdir(parents=True, exist_ok=True)
    decoder, lock = _decoder(), Lock()

    def understand(sound_S: np.ndarray, _: str) -> str:
        with lock:
            decoder.start_utt()
            decoder.process_raw(to_int16(sound_S).tobytes(), full_utt=True)
            decoder.end_utt()
            found = decoder.hyp()
        return found.hypstr if found else ""

    name = f"pocketsphinx-{crc32(' '.join(vocabulary()).encode()):08x}.jsonl"
    understood = kept(folder / name, understand)
    return lambda sound_S: understood(sound_S, "")


def _decoder():
    try:
        from pocketsphinx import Decoder, NGramModel
    except ModuleNotFoundError:
        raise ConfigError("the second judge is not installed: pip install 'duologue[eval]'") from None
    decoder = Decoder(lm=None, loglevel="FATAL")
    with NamedTemporaryFile("w", suffix=".lm") as file:
        file.write(_unigrams([word for word in vocabulary() if decoder.lookup_word(word)]))
        file.flush()
        decoder.add_lm("world", NGramModel(decoder.config, decoder.logmath, file.name))
    decoder.activate_search("world")
    return decoder


def _unigrams(words: Sequence[str]) -> str:
    """A language model of single words, all as likely, in ARPA's form."""
    log_p = -math.log10(len(words) + 2)
    rows = "\n".join(f"{log_p:.4f} {word} 0.0" for word in ("<s>", "</s>", *words))
    return f"\\data\\\nngram 1={len(words) + 2}\n\n\\1-grams:\n{rows}\n\n\\end\\\n"
