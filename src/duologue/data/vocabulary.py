"""Trains the tokenizer once, from WordNet's glosses and examples and everyday words: `python -m duologue.data.vocabulary`.

Source: WordNet 3.0 (Debian package wordnet-base), the wordfreq package for how often a word is said.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from duologue.media.text import SPECIALS, VOCABULARY, WORD_END

PIECES = Regex(r"[a-z']+|[0-9]|[^\sa-z0-9']")


def glosses(folder: Path = Path("/usr/share/wordnet")) -> Iterator[str]:
    """Definitions and example sentences of WordNet, one string an entry."""
    for part in ("noun", "verb", "adj", "adv"):
        for row in (folder / f"data.{part}").read_text(encoding="latin-1").splitlines():
            if " | " in row and not row.startswith("  "):
                yield re.sub(r"\s+", " ", row.split(" | ", 1)[1])


SPOKEN_OFTEN = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand plus minus times equals
monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october
november december um uh duo breathe opposite goodbye okay hello please""".split()


def everyday_words() -> Iterator[str]:
    """The 20,000 most frequent English words, each repeated by how often it is said."""
    from wordfreq import top_n_list, word_frequency

    for word in top_n_list("en", 20_000):
        if re.fullmatch(r"[a-z']+", word):
            yield f"{word} " * max(1, int(word_frequency(word, "en") * 8_000_000))


def train(path: Path) -> Tokenizer:
    """Byte-pair pieces with byte fallback, saved as one JSON file."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix=WORD_END))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(PIECES, behavior="removed", invert=True)
    tokenizer.decoder = decoders.BPEDecoder(WORD_END)
    letters = [chr(c) for c in range(33, 127)] + ["¿", "¡", *"áéíóúñü€°"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIALS, initial_alphabet=letters, end_of_word_suffix=WORD_END,
        limit_alphabet=140, show_progress=False,
    )
    single = ["".join(letters), *(c for c in letters for _ in range(50))]
    tokenizer.train_from_iterator([*glosses(), *everyday_words(), *(SPOKEN_OFTEN * 3000), *single], trainer)
    tokenizer.save(str(path))
    return tokenizer


if __name__ == "__main__":
    train(Path(sys.argv[1]))
