"""The KV cache: a ring of keys and values for each session, so that memory is bounded however long it lasts. Read `Cache`."""

import torch

CAPACITY = 1024  # places in a ring; constant, so that every turn has the same shapes and equal bits
SPARE = 16  # of them hold no positions, so that those held are whole blocks of the C++ operations: the sink, then a bin for padding rows
RING = CAPACITY - SPARE
HIDDEN = float("-inf")


class Cache:
    """What B sessions are to the trunk: rings of keys and values [L, B, CAPACITY, 2 G, K], and how many positions each has had.

    A position's keys lie beside its values, so that it is one row to write. Position n lies in place n % (CAPACITY - SPARE). With `rows_B` the
    ring is that of more sessions, and these are in those rows of it.
    """

    def __init__(self, ring_LBCGK: torch.Tensor, count_B: torch.Tensor, rows_B: torch.Tensor | None = None):
        self.ring_LBCGK, self.count_B, self.rows_B = ring_LBCGK, count_B, rows_B
        self.layers = list(ring_LBCGK.unbind(0))

    def rings(self) -> torch.Tensor:
        """Of its own sessions alone [L, B, CAPACITY, 2 G, K]."""
        return self.ring_LBCGK if self.rows_B is None else self.ring_LBCGK[:, self.rows_B]

    def place(self, valid_BN: torch.Tensor, window: int, sink: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Makes room for new positions. Returns their rows in a flat ring [B * N], and what each may see, as numbers
        added to the scores [B, N, CAPACITY]."""
        device, capacity = valid_BN.device, self.ring_LBCGK.shape[2]
        sink_at = capacity - SPARE
        rows = (torch.arange(len(valid_BN), device=device) if self.rows_B is None else self.rows_B)[:, None]
        order_BN = self.count_B[:, None] + valid_BN.cumsum(1) - 1
        self.count_B += valid_BN.sum(1)
        place_BN = torch.where(valid_BN, order_BN % sink_at, sink_at + 1) + rows * capacity
        order_BN = order_BN.clamp(min=0)[..., None]
        age = (order_BN - torch.arange(capacity, device=device)) % sink_at
        bias = torch.zeros(age.shape, dtype=self.ring_LBCGK.dtype, device=device)
        bias.masked_fill_(age >= (order_BN + 1).clamp(max=window), HIDDEN)
        bias[..., sink_at], bias[..., sink_at + 1 :] = 0.0 if sink else HIDDEN, HIDDEN
        return place_BN.flatten(), bias

    def write(self, layer: int, place_R: torch.Tensor, kv_BNGK: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Puts keys and values in their places; in place when no gradient is wanted. Returns the layer's ring and its own rows."""
        ring = self.layers[layer]
        flat, new = ring.view(-1, *ring.shape[2:]), kv_BNGK.flatten(0, 1)
        if torch.is_grad_enabled():
            self.layers[layer] = flat.index_copy(0, place_R, new).view(ring.shape)
        else:
            flat.index_copy_(0, place_R, new)
        return self.layers[layer], self.rows_B
