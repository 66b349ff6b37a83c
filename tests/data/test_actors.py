"""The actors' lines: a game's file made here, with a dialogue, a scene and remarks, and its sounds beside their texts."""

import struct

import pytest

from duologue.data import actors
from duologue.data.recordings import recordings
from duologue.errors import DataError


def string(text: str, align: int, at: int) -> bytes:
    """As the game has it, at a distance `at` from the end of the bank's head."""
    data = bytes([len(text)]) + text.encode()
    return data + b"\0" * (-(at + len(data)) % align if text else 0)


def dialogue(key: int, hero: list[tuple[int, str]], other: list[tuple[int, str]]) -> bytes:
    lines, begins = b"", []
    for side in (hero, other):
        begins.append(actors.DIALOGUE + actors.CHOICES + len(lines))
        for number, text in side:
            at = actors.DIALOGUE + actors.CHOICES + len(lines) + 4
            lines += struct.pack(">2H", 0, number) + string(text, 4, at)
    head = struct.pack(">5h", -1, 0, key, len(hero), len(other)).ljust(22, b"\0") + struct.pack(">H", begins[1])
    return bytes(actors.BANK) + head.ljust(actors.DIALOGUE + actors.CHOICES, b"\0") + lines


def scene(texts: list[str]) -> bytes:
    lines = b""
    for text in texts:
        lines += string(text, 2, 12 + len(lines))
    return bytes(actors.BANK) + struct.pack(">4h2H", 0, 0, 0, 0, 12, 12 + len(lines)) + lines + b"\xff\xff"


def remarks(first: str, reply: str) -> bytes:
    rows = [first, *[""] * (actors.FIRST_REPLY - 1), reply]
    return "\r\n".join(rows).encode()


def game(path, files: dict[str, bytes]):
    begin = actors.TABLE + 2 + len(files) * actors.ENTRY.size
    table = b""
    for name, data in files.items():
        table += actors.ENTRY.pack(name.encode(), 1, begin, len(data))
        begin += len(data)
    path.write_bytes(b"QTBLCEM10".ljust(actors.TABLE, b"\0") + struct.pack(">H", len(files)) + table + b"".join(files.values()))
    return path


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """A game in place of the package."""
    spoken = ["060000J1", "06SSSSJ1", "06002AP1", "06002AP2", "C18A_012", "C18A_021", "JOE00011", "JOE00411", "JOE00412"]
    files = {
        "BOB1.DOG": dialogue(6, [(0, "Excuse me Bob.*03")], [(42, "Of course.*01*02"), (43, "Nobody says this.")]),
        "C18A.CUT": scene(["", "*FRWait here!*03I am off.*03", "<CRUNCH>"]),
        "QUEEN2.JAS": remarks("There's a label:*14It reads *14", "I can't move it*03"),
        **{stem + actors.SOUND: stem.encode() for stem in spoken},
    }
    game(tmp_path / actors.FILE, files)
    monkeypatch.setattr(actors, "unpacked", lambda packages, folder: tmp_path)
    return tmp_path / "out"


def test_every_sound_lies_beside_what_is_said_in_it(fetched):
    place, count = actors.extract(fetched)
    said = {path.stem: (path.parent.name, path.read_text().strip()) for path in place.rglob("*.txt")}
    assert said == {
        "06SSSSJ1": ("joe", "Excuse me Bob."),
        "06002AP1": ("bob", "Of course."),
        "C18A_012": ("c18a", "Wait here!"),
        "JOE00011": ("joe", "I can't move it"),
        "JOE00411": ("joe", "There's a label:"),
        "JOE00412": ("joe", "It reads"),
        "060000J1": ("joe", "Excuse me Bob."),
    }
    assert count == len(said)
    assert all(path.with_suffix(".mp3").read_bytes() == path.stem.encode() for path in place.rglob("*.txt"))


def test_they_are_recordings_of_their_speakers(fetched):
    place, count = actors.extract(fetched)
    found = recordings(place)
    assert len(found) == count
    assert {one.speaker for one in found} == {"joe", "bob", "c18a"}


def test_another_file_is_refused(tmp_path):
    path = tmp_path / actors.FILE
    path.write_bytes(b"something else")
    with pytest.raises(DataError, match="b'some' instead"):
        actors.Archive(path)


@pytest.mark.parametrize(("text", "says"), [("Aaargh!", False), ("<CRUNCH>", False), ("?", False), ("Yes.", True), ("Hello, Joe", True)])
def test_only_words_are_kept(text, says):
    assert actors.sayable(text) == says
