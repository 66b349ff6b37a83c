"""chrF: how alike two texts are by their letters, from counts that can be summed over texts. Read `counts`, then `score`.

Popovic 2015 with the usual settings: up to six letters in a row, spaces left out, recall counted twice as much as precision.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

ORDERS, BETA = 6, 2


def counts(said: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """For each order: how many rows of letters are in both texts, in what was said, in what was wanted."""
    texts = "".join(said), "".join(wanted)
    found = []
    for order in range(1, ORDERS + 1):
        mine, other = (Counter(text[k : k + order] for k in range(len(text) - order + 1)) for text in texts)
        found += [(mine & other).total(), mine.total(), other.total()]
    return found


def score(*sums: np.ndarray) -> np.ndarray:
    """0 to 100 from sums of `counts`, arrays of one shape; not a number where a text has no letters at all."""
    table_OK = np.asarray(sums, float).reshape(ORDERS, 3, *np.shape(sums[0]))
    both_O, said_O, wanted_O = table_OK[:, 0], table_OK[:, 1], table_OK[:, 2]
    there_O = (said_O > 0) & (wanted_O > 0)
    orders = np.maximum(there_O.sum(0), 1)
    precision = np.where(there_O, both_O / np.maximum(said_O, 1), 0).sum(0) / orders
    recall = np.where(there_O, both_O / np.maximum(wanted_O, 1), 0).sum(0) / orders
    return 100 * (1 + BETA**2) * precision * recall / np.maximum(BETA**2 * precision + recall, 1e-12)
