"""The page and the picture of a run."""

import base64
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

import duologue.timeline
from duologue.timeline import page, picture
from duologue.timeline.story import event, read_story
from duologue.turn import TurnOut


@pytest.fixture
def story(tmp_path):
    turns = 40
    pcm_S2 = np.random.default_rng(0).normal(0, 0.1, (3200 * (turns + 1), 2)).clip(-1, 1)
    soundfile.write(tmp_path / "a.wav", pcm_S2, 16_000, subtype="PCM_16")
    outs = [
        TurnOut(k, np.zeros(3200, np.float32), k % 3 == 0, heard="a</script>" if k == 7 else "") for k in range(turns)
    ]
    (tmp_path / "e.jsonl").write_text("".join(json.dumps(event(o)) + "\n" for o in outs))
    jpeg = io.BytesIO()
    Image.new("RGB", (160, 120), "red").save(jpeg, "JPEG")
    return read_story(
        "<b>&$x_1$", tmp_path / "a.wav", tmp_path / "e.jsonl", [(1.0, "ty{{ped}}")], [(0.6, jpeg.getvalue())]
    )


def data_of(text: str) -> dict:
    return json.loads(re.search(r'<script id="story" type="application/json">(.*?)</script>', text, re.S)[1])


def test_the_page_needs_nothing_else(story):
    text = page.render(story)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|url\((?!data:)|@import|https?://""", text)
    assert "{{" not in text.replace("ty{{ped}}", "")


def test_the_page_holds_what_happened_whatever_the_words(story):
    text = page.render(story)
    data = data_of(text)
    assert "<title>&lt;b&gt;&amp;$x_1$ · Duologue</title>" in text
    assert data["heard"] == [[1.6, "a</script>"]] and data["typed"] == [[1.0, "ty{{ped}}"]]
    assert len(data["turns"]) == 40 and data["seconds"] == 8.2
    low_high = np.frombuffer(base64.b64decode(data["peaks"][1]), np.int8)
    assert len(low_high) == 820 * 2


def test_the_sound_in_the_page_is_on_the_same_clock(story, tmp_path):
    (tmp_path / "a.webm").write_bytes(base64.b64decode(data_of(page.render(story))["sound"]))
    with av.open(str(tmp_path / "a.webm")) as container:
        to_16k = av.AudioResampler("fltp", "stereo", 16_000)
        decoded = np.concatenate([f.to_ndarray() for a in container.decode(audio=0) for f in to_16k.resample(a)], 1)
    original = soundfile.read(story.sound, dtype="float32")[0][16_000:32_000, 0]
    best = max(range(-400, 401), key=lambda lag: float(decoded[0, 16_000 + lag : 32_000 + lag] @ original))
    assert abs(best) <= 32  # 2 ms
    assert abs(decoded.shape[1] / 16_000 - story.seconds) < 0.05


def test_the_sound_of_a_long_recording_is_coded_sparingly_and_its_wave_as_finely_as_ever(story, monkeypatch):
    assert page.bit_rate(60) == page.bit_rate(600) == 48_000 and page.bit_rate(1200) < 30_000
    assert page.bit_rate(3600) * 3600 / 8 < 7.5e6
    short = page_sizes(story)
    monkeypatch.setattr(page, "SOUND_BITS", 16_000 * 8)  # as if these eight seconds were half an hour
    long = page_sizes(story)
    assert long["sound"] < 0.5 * short["sound"] and long["peaks"] == short["peaks"]


def page_sizes(story) -> dict[str, int]:
    return {name: len("".join(value)) for name, value in data_of(page.render(story)).items() if name in ("sound", "peaks")}


def test_the_script_parses():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = Path(duologue.timeline.__file__).with_name("page.js")
    subprocess.run([node, "--check", str(script)], check=True)


def test_the_picture_is_drawn_and_bounded(story, tmp_path):
    picture.write_png(tmp_path / "t.png", story)
    with Image.open(tmp_path / "t.png") as image:
        assert image.format == "PNG" and image.width == 1650 and 300 < image.height < 900
        colours = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert (np.abs(colours.astype(int) - (0xD4, 0x53, 0x2A)).sum(1) < 6).sum() > 1000  # the model's own wave
