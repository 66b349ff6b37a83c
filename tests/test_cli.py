"""The command line from outside: arguments, files in, files out, mistakes. A scripted model stands in for the weights."""

import json
import subprocess
import sys
import wave
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import soundfile

from duologue import cli
from duologue.turn import SAMPLES_PER_TURN, Call, TurnIn, TurnOut

SECOND = 16_000


class Echo:
    """Says what it heard in the turn before, at half the level, and reports it as words."""

    def __init__(self, checkpoint=None, seed=0, device=None):
        self.turns: list[TurnIn] = []
        Echo.last = self

    def step(self, turn: TurnIn) -> TurnOut:
        self.turns.append(turn)
        loud = bool(np.abs(turn.pcm_S).max() > 0.1)
        calls = (Call("delegate", turn.typed),) if turn.typed else ()
        words = {"heard": "tone", "said": "echo"} if loud else {}
        return TurnOut(turn.index, turn.pcm_S / 2, loud, text=turn.typed.upper(), calls=calls, compute_ms=1.5, **words)


@pytest.fixture(autouse=True)
def scripted_model(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "duologue.live", SimpleNamespace(Conversation=Echo))
    monkeypatch.chdir(tmp_path)


def duologue(monkeypatch, capsys, *words) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["duologue", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    return stop.value.code or 0, printed.out, printed.err


@pytest.fixture
def run(monkeypatch, capsys):
    return lambda *words: duologue(monkeypatch, capsys, *words)


def tone(seconds: float, rate: int = SECOND, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 220 / rate)).astype(np.float32)


def write_video(path, seconds: float, sound: bool = False) -> None:
    """Red in the first half, blue in the second, 10 pictures a second, twice as wide as high."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 160, "yuv420p"
        for n in range(int(seconds * 10)):
            image = np.zeros((160, 320, 3), np.uint8)
            image[..., 0 if n < seconds * 5 else 2] = 230
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))


def assert_mistake(result, *words: str) -> None:
    code, _, err = result
    assert code == 2
    assert err.count("\n") == 1 and err.startswith("duologue: "), err
    assert "Traceback" not in err
    for word in words:
        assert word in err


def events() -> list[dict]:
    return [json.loads(line) for line in open("events.jsonl")]


def test_help_is_instant_and_loads_no_model():
    code = (
        "import sys; sys.argv = ['duologue', '--help']; from duologue import cli\ntry: cli.main()\nexcept SystemExit: "
    )
    code += "print([m for m in ('torch', 'numpy', 'av') if m in sys.modules])"
    root = Path(__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root).stdout
    assert "talk" in out and out.rstrip().endswith("[]")


def test_talk_writes_both_sides_on_one_clock(run):
    soundfile.write("in.wav", np.concatenate([tone(1), np.zeros(SECOND, np.float32)]), SECOND)
    code, out, err = run("talk", "--input", "in.wav", "--tail", "1")
    assert code == 0, err
    sound, rate = soundfile.read("answer.wav", dtype="float32")
    assert rate == 16_000 and sound.shape == (16 * SAMPLES_PER_TURN, 2)
    np.testing.assert_allclose(sound[: 2 * SECOND, 0], np.concatenate([tone(1), np.zeros(SECOND)]), atol=1e-4)
    np.testing.assert_allclose(sound[SAMPLES_PER_TURN:, 1], sound[:-SAMPLES_PER_TURN, 0] / 2, atol=1e-4)
    assert not sound[:SAMPLES_PER_TURN, 1].any()
    assert "0.2 s you" in " ".join(out.split()) and "timeline.png" in out


def test_events_have_a_line_for_every_turn(run):
    soundfile.write("in.wav", tone(0.9), SECOND)
    run("talk", "--input", "in.wav", "--typed", "1.3:hello", "--tail", "0.4")
    lines = events()
    assert [line["turn"] for line in lines] == list(range(9))  # typed text at 1.3 s, then the tail
    assert list(lines[0]) == ["turn", "heard", "said", "text", "speak", "calls", "tasks", "compute_ms"]
    assert lines[6]["text"] == "HELLO" and lines[6]["calls"] == [{"kind": "delegate", "text": "hello"}]
    assert [line["speak"] for line in lines] == [True] * 5 + [False] * 4


def test_typed_alone_is_a_conversation(run):
    code, _, _ = run("talk", "--typed", "0.5:one", "--typed", "0.2:two", "--typed", "0.55:three", "--tail", "0")
    assert code == 0 and [line["text"] for line in events()] == ["", "TWO", "ONE\nTHREE"]


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (96_000, 1), (44_100, 2), (16_000, 6)])
def test_any_rate_and_any_channels_are_heard_alike(run, rate, channels):
    soundfile.write("in.wav", np.repeat(tone(1, rate)[:, None], channels, 1), rate)
    assert run("talk", "--input", "in.wav", "--tail", "0")[0] == 0
    heard = soundfile.read("answer.wav", dtype="float32")[0][:SECOND, 0]
    assert len(events()) == 5
    assert np.abs(heard[800:-800] - tone(1)[800:-800]).max() < 0.02


def test_silence_is_an_input_like_any_other(run):
    soundfile.write("in.wav", np.zeros(SECOND), SECOND)
    code, out, _ = run("talk", "--input", "in.wav")
    assert code == 0 and len(events()) == 35 and "Nobody said a word." in out
    assert "A machine listens and speaks here, not a person." in out


def test_a_video_without_sound_is_seen(run):
    write_video("in.mp4", 2.0)
    assert run("talk", "--input", "in.mp4", "--tail", "0")[0] == 0
    images = [turn.image for turn in Echo.last.turns]
    assert len(images) == 10 and all(image.shape == (120, 160, 3) for image in images)
    assert images[0][60, 80, 0] > 200 > 60 > images[0][60, 80, 2] and images[-1][60, 80, 2] > 200
    assert not images[0][:15].any() and not images[0][-15:].any()  # letterboxed


@pytest.mark.parametrize("content", [b"", b"RIFF\x00\x00", bytes(range(256)) * 40, b"not a recording at all\n" * 90])
def test_empty_or_corrupt_files_are_mistakes(run, tmp_path, content):
    (tmp_path / "in.wav").write_bytes(content)
    assert_mistake(run("talk", "--input", "in.wav"), "in.wav")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.wav"]


def test_a_sound_that_is_cut_off_is_heard_as_far_as_it_goes_and_said(run, tmp_path):
    soundfile.write("in.wav", tone(10), SECOND)
    code, _, err = run("talk", "--input", "in.wav", "--tail", "0")
    assert code == 0 and not err, "a whole one needs no warning"
    whole = (tmp_path / "in.wav").read_bytes()
    (tmp_path / "in.wav").write_bytes(whole[: 44 + int(3.1 * SECOND) * 2])
    code, _, err = run("talk", "--input", "in.wav", "--tail", "0")
    assert code == 0 and len(events()) == 16
    assert err == "duologue: in.wav is cut off: the file says 10.0 s, 3.1 s could be read\n"
    piped = whole[:40] + b"\xff" * 4 + whole[44 : 44 + SECOND]  # of unknown length
    (tmp_path / "in.wav").write_bytes(piped)
    assert run("talk", "--input", "in.wav", "--tail", "0")[2] == ""


def test_a_sound_file_without_samples_is_a_mistake(run):
    with wave.open("in.wav", "wb") as out:
        out.setparams((1, 2, SECOND, 0, "NONE", ""))
    assert_mistake(run("talk", "--input", "in.wav"), "empty")


def test_a_failed_run_leaves_good_outputs_alone(run, tmp_path, monkeypatch):
    soundfile.write("in.wav", tone(1), SECOND)
    run("talk", "--input", "in.wav")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    monkeypatch.setattr(
        Echo, "step", lambda self, turn: 1 / 0 if turn.index == 3 else TurnOut(turn.index, turn.pcm_S, False)
    )
    monkeypatch.setattr(sys, "argv", ["duologue", "talk", "--input", "in.wav"])
    with pytest.raises(ZeroDivisionError):
        cli.main()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("typed", ["hello", "x:hello", "-1:hello", "nan:hello", "inf:hello", "2:", ":hello"])
def test_bad_typed_is_a_mistake(run, typed):
    assert_mistake(run("talk", f"--typed={typed}"), repr(typed), "SECONDS:TEXT")


def test_other_mistakes_are_one_line(run, tmp_path):
    soundfile.write("in.wav", tone(0.2), SECOND)
    assert_mistake(run("talk", "--input", "missing.wav"), "missing.wav", "No such file")
    assert_mistake(run("talk", "--input", str(tmp_path)), "Is a directory")
    assert_mistake(run("talk", "--frobnicate"), "--frobnicate")
    assert_mistake(run("tlak"), "tlak")
    assert_mistake(run("talk", "--tail", "long"), "--tail")
    assert_mistake(run("talk"), "--input")
    assert_mistake(run("talk", "--input", "in.wav", "--output", "in.wav"), "named twice")
    assert_mistake(run("talk", "--input", "in.wav", "--timeline", "a.png"), "named twice")
    assert_mistake(run("talk", "--input", "in.wav", "--events", "/dev/null"), "not a file")
    assert_mistake(run("talk", "--input", "in.wav", "--output", "in.wav/answer.wav"), "cannot write")


def test_a_missing_microphone_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert_mistake(run("talk", "--input", "-"), "duologue[mic]")


def test_what_stands_behind_the_talk_is_checked_before_it_begins(run, tmp_path):
    (tmp_path / "house.py").write_text("def light(room): pass")
    soundfile.write("in.wav", tone(0.2), SECOND)
    for words, said in (
        (("--base-url", "http://localhost:9/v1"), "--model"),
        (("--takes", "sound"), "--takes sound needs --model"),
        (("--allow", "nothing"), "there are calculate, now"),
        (("--tools", "nowhere"), "no module 'nowhere'"),
        (("--tools", "house"), "light has no type for room"),
        (("--folder", "nowhere"), "nowhere"),
    ):
        assert_mistake(run("talk", "--input", "in.wav", *words), said)
        assert_mistake(run("serve", *words), said)
    assert run("talk", "--input", "in.wav", "--tail", "0")[0] == 0 and Echo.last.agent


def test_a_missing_extra_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "duologue.data.synth", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert_mistake(run("synth", "voices"), "pip install")


def test_a_camera_goes_with_the_microphone(run):
    soundfile.write("in.wav", tone(0.2), SECOND)
    assert_mistake(run("talk", "--input", "in.wav", "--camera", "/dev/video0"), "--input -")
    assert_mistake(run("talk", "--input", "-", "--camera", "nowhere"), "no camera at nowhere")


def test_pictures_that_do_not_change_can_be_spared(run):
    write_video("in.mp4", 2.0)
    assert run("talk", "--input", "in.mp4", "--tail", "0", "--changed", "8")[0] == 0
    shown = [turn.index for turn in Echo.last.turns if turn.image is not None]
    assert shown == [0, 5]  # the first, and where red becomes blue
    story = Path("timeline.html").read_text().split('type="application/json">')[1].split("</script>")[0]
    assert [second for second, _ in json.loads(story)["pictures"]] == [0.0, 1.0]


def test_a_long_video_keeps_few_thumbnails(run):
    write_video("in.mp4", 60.0)
    assert run("talk", "--input", "in.mp4", "--tail", "0")[0] == 0
    story = Path("timeline.html").read_text().split('type="application/json">')[1].split("</script>")[0]
    seconds = [second for second, _ in json.loads(story)["pictures"]]
    assert 100 <= len(seconds) <= 240 and seconds[0] == 0 and seconds[-1] > 59 and seconds == sorted(seconds)


def test_presets_are_known_by_name(run):
    assert_mistake(run("plan", "giant"), "giant", "pico")
    code, out, _ = run("plan", "tiny")
    assert code == 0 and "trunk" in out


def test_every_command_explains_itself(run):
    for words in (
        "talk",
        "plan",
        "synth",
        "synth voices",
        "synth spanish",
        "synth shards",
        "train",
        "train pretrain",
        "train vocoder",
        "eval quick",
    ):
        code, out, _ = run(*words.split(), "--help")
        assert code == 0 and words in out


def test_wrong_words_to_the_training_commands(run):
    assert_mistake(run("train", "pretrain", "nowhere", "--out", "o", "--preset", "giant"), "giant")
    assert_mistake(run("train", "pretrain", "nowhere", "--out", "o", "--preset", "tiny"), "nowhere")
    assert_mistake(run("synth", "shards", "--out", "o", "--family", "pause=often"), "pause=often")
    assert_mistake(run("synth", "voices", "--engine", "parrot"), "parrot")


@pytest.mark.parametrize("command", ["synth voices", "synth shards", "train pretrain", "train vocoder", "train align", "eval quick", "eval copy", "plan", "replay", "bench turn", "bench sessions", "bench long", "bench peers", "bench kernels"])
def test_every_command_is_there(command, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["duologue", *command.split(), "--help"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code and f"{command} [OPTIONS]" in capsys.readouterr().out
