"""The story's values: places on the clock, peaks, transcript."""

import json

import numpy as np
import soundfile

from duologue.timeline.story import event, phrases, read_peaks, read_story
from duologue.turn import Call, TurnOut


def out(turn: int, **what) -> TurnOut:
    return TurnOut(turn, np.zeros(3200, np.float32), bool(what.get("said")), compute_ms=12.3456, **what)


def write_run(folder, outs) -> tuple:
    sound, lines = folder / "answer.wav", folder / "events.jsonl"
    soundfile.write(sound, np.zeros((3200 * (len(outs) + 1), 2)), 16_000)
    lines.write_text("".join(json.dumps(event(o)) + "\n" for o in outs))
    return sound, lines


def test_peaks_lie_where_the_sound_is(tmp_path):
    sound_S2 = np.zeros((16_000 * 25, 2), np.float32)
    sound_S2[16_000 * 3, 0], sound_S2[16_000 * 22, 1] = 0.5, -1.0  # in different blocks
    soundfile.write(tmp_path / "a.wav", sound_S2, 16_000)
    peaks = read_peaks(tmp_path / "a.wav")
    assert peaks.shape == (2, 2500, 2) and peaks.dtype == np.int8
    assert [tuple(map(int, at)) for at in np.argwhere(peaks)] == [(0, 300, 1), (1, 2200, 0)]
    assert peaks[0, 300, 1] in (63, 64)


def test_words_become_phrases_and_pauses_part_them(tmp_path):
    outs = [out(k, **what) for k, what in enumerate([{}, {"heard": "what is"}, {"heard": "two"}, {"said": "well"}])]
    outs += [out(k) for k in range(4, 9)] + [out(9, heard="plus", calls=(Call("delegate", "sum"),))]
    story = read_story("x", *write_run(tmp_path, outs), typed=[(0.1, "hi")])
    assert phrases(story) == [
        (0.1, "typed", "hi"),
        (0.4, "you", "what is two"),
        (0.8, "duo", "well"),
        (2.0, "call", "delegate sum"),
        (2.0, "you", "plus"),
    ]
    assert story.seconds == 2.2
