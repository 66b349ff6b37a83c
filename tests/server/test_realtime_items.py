import pytest

from duologue.server import realtime_items
from duologue.server.faults import Fault
from duologue.server.realtime_items import Items


def test_an_item_comes_after_the_last_one_or_where_it_is_told_to():
    items = Items()
    assert [event.previous_item_id for event in items.add({"id": "a"})] == [None, None]
    assert [event.previous_item_id for event in items.add({"id": "b"})] == ["a", "a"]
    assert items.add({"id": "c"}, "a")[0].previous_item_id == "a" and items.last == "c"


def test_what_was_not_heard_is_told_once():
    items = Items()
    items.keep({"id": "a"})
    items.sent_ms["a"] = 1000
    assert [items.truncate("a", end_ms) for end_ms in (400, 400, 300, 900)] == [600, 0, 100, 0]


def test_what_is_deleted_or_too_old_is_not_found(monkeypatch):
    monkeypatch.setattr(realtime_items, "MOST_ITEMS", 2)
    items = Items()
    for id in "abc":
        items.keep({"id": id})
        items.sent_ms[id] = 200
    items.delete("b")
    assert items.find("c") == {"id": "c"} and set(items.sent_ms) == {"c"}
    for id in "ab":
        for asked in (items.find, items.delete, lambda id: items.truncate(id, 0)):
            with pytest.raises(Fault, match="too old"):
                asked(id)
