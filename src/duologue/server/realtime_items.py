"""Items of the Realtime projection, in the order in which they were told: the last MOST_ITEMS can be retrieved and truncated."""

from collections import OrderedDict
from typing import Any

from pydantic import BaseModel

from duologue.server import realtime_events as wire
from duologue.server.faults import Fault

MOST_ITEMS = 1_000


class Items:
    def __init__(self):
        self.kept: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.sent_ms: dict[str, int] = {}  # sound sent, by item

    @property
    def last(self) -> str | None:
        return next(reversed(self.kept), None)

    def keep(self, item: dict[str, Any]) -> None:
        self.kept[item["id"]] = item
        if len(self.kept) > MOST_ITEMS:
            self._forget(next(iter(self.kept)))

    def add(self, item: dict[str, Any], previous: str | None = None) -> list[BaseModel]:
        """Keeps an item that is whole; what to tell of it. Without a `previous` one it comes after the last."""
        place = {"item": item, "previous_item_id": previous or self.last}
        self.keep(item)
        return [wire.ItemTold(type="conversation.item.added", **place), wire.ItemTold(type="conversation.item.done", **place)]

    def find(self, id: str) -> dict[str, Any]:
        if (item := self.kept.get(id)) is None:
            raise Fault("item_not_found", f"no item {id!r}; it may be too old", "item_id")
        return item

    def delete(self, id: str) -> None:
        self.find(id)
        self._forget(id)

    def truncate(self, id: str, end_ms: int) -> int:
        """How much of its sound was not heard, told once."""
        self.find(id)
        sent_ms = self.sent_ms.get(id, 0)
        self.sent_ms[id] = min(sent_ms, end_ms)
        return max(0, sent_ms - end_ms)

    def _forget(self, id: str) -> None:
        del self.kept[id]
        self.sent_ms.pop(id, None)
