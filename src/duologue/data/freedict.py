"""Spanish words of a dictionary, with their English: those that mean one everyday word alone. Read `words`.

Source: FreeDict's Spanish-English dictionary (Debian package dict-freedict-spa-eng, GPL-2 or later), read where it is installed.
"""

import gzip
import re
from collections import Counter
from functools import cache
from pathlib import Path

from duologue.data.families.lexicon import WORDS
from duologue.data.families.spanish import known

FOLDER, NAME = Path("/usr/share/dictd"), "freedict-spa-eng.dict.dz"
ENTRY = re.compile(r"^([a-záéíóúñü]{3,}) /[^/\n]+/\n([a-z]+)\n(?=[^\n/]+ /|\Z)", re.MULTILINE)  # a headword, one line of one word, the next


@cache
def words(folder: Path = FOLDER) -> tuple[tuple[str, str], ...]:
    """(Spanish, English), the English ones of `lexicon.WORDS`, without what `spanish` has; none where the package is not installed."""
    path = folder / NAME
    if not path.exists():
        return ()
    found = ENTRY.findall(gzip.decompress(path.read_bytes()).decode("utf-8"))
    entries = Counter(es for es, _ in found)
    return tuple((es, en) for es, en in found if en in WORDS and entries[es] == 1 and not known(es))
