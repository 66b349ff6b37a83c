"""Pictures of the page for the papers, from a run of `duologue talk`: `python -m tests.page.picture RUN.wav RUN.jsonl docs`.

The run's sound and events go into an open page as if they had just come; nothing is made up. Read `main` first.
"""

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr
from PIL import Image

from tests.page.conftest import Visit, chromium
from tests.page.stand_in import RATE, StandIn

FILL = """
const [sides, turns, seconds] = arguments, { talk, timeline } = duologue, { story } = talk;
const pcm = (text) => new Int16Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
story.end = seconds;
["you", "duo"].forEach((side, i) => {
  const track = (story[side] = new story[side].constructor()), samples = pcm(sides[i]);
  for (let at = 0; at < samples.length; at += 480) track.append(samples.slice(at, at + 480), (at + 480) / 24000, (at + 480) / 24000);
});
story.turns = [];
for (const list of Object.values(story.words)) list.length = 0;
for (const turn of turns) talk.took({ ...turn, missing_ms: 0, end_ms: 200 * (turn.turn + 2) });
timeline.laned = "";
"""
SIZES = {"page.png": (1360, 800, "light"), "page-phone.png": (390, 844, "dark")}


def fill(visit: Visit, wav: Path, events: Path, seconds: float) -> None:
    """Puts the first seconds of a run into the page."""
    pcm, rate = soundfile.read(wav, dtype="float32", frames=int(16_000 * seconds))
    sides = [np.rint(soxr.resample(pcm[:, i], rate, RATE).clip(-1, 1) * 32767).astype("<i2") for i in (0, 1)]
    turns = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()][: int(seconds * 5) - 1]
    visit.js(FILL, [base64.b64encode(side.tobytes()).decode() for side in sides], turns, seconds)


def take(visit: Visit, path: Path, width: int, height: int, theme: str) -> None:
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    visit.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    visit.js("document.documentElement.dataset.theme = arguments[0]; duologue.timeline.repaint()", theme)
    visit.js("document.activeElement.blur(); captions.scrollTop = 1e6")
    visit.browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    with Image.open(io.BytesIO(visit.browser.get_screenshot_as_png())) as shot:
        shot.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def main(wav: str, events: str, folder: str) -> None:
    browser, server = chromium("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"), StandIn()
    try:
        visit = Visit(browser, server)
        visit.begin()
        fill(visit, Path(wav), Path(events), 12.6)
        for name, size in SIZES.items():
            take(visit, Path(folder) / name, *size)
    finally:
        browser.quit()
        server.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
