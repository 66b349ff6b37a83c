"""The story as one self-contained HTML page: markup, style, script, data and sound in a single file. See `render`."""

import base64
import html
import io
import json
from importlib.resources import files

import av
import numpy as np
import soundfile

import duologue
from duologue.timeline.story import PEAKS_PER_SECOND, Story, compute_p, phrases, slot_s
from duologue.turn import SAMPLE_RATE_HZ, TURN_MS

OPUS_BITS_PER_SECOND, FEWEST_BITS_PER_SECOND = 48_000, 16_000
SOUND_BITS = 8 * 4_000_000  # of a page: the sound of a long recording takes more than all else, so it is coded the more sparingly
BLOCK = SAMPLE_RATE_HZ * 10


def render(story: Story) -> str:
    """The whole page."""
    parts = {
        "title": html.escape(story.title),
        "style": _asset("page.css"),
        "script": _asset("page.js"),
        "version": duologue.__version__,
        # "<" inside JSON strings would end the script element
        "story": json.dumps(page_data(story), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    before, *rest = _asset("page.html").split("{{")
    return before + "".join(parts[key] + tail for key, tail in (piece.split("}}", 1) for piece in rest))


def page_data(story: Story) -> dict:
    """What page.js draws. Times are seconds; sound, peaks and pictures are base64."""
    return {
        "seconds": round(story.seconds, 3),
        "turn_s": TURN_MS / 1000,
        "peak_rate": PEAKS_PER_SECOND,
        "peaks": [_text64(channel.tobytes()) for channel in np.ascontiguousarray(story.peaks)],
        "turns": story.events,
        "heard": _placed(story, "heard"),
        "said": _placed(story, "said"),
        "text": _placed(story, "text"),
        "calls": [[p.start_s, p.text] for p in phrases(story) if p.who == "call"],
        "tasks": [[slot_s(e["turn"]), f"{t['id']} {t['what']} {t['text']}".strip()] for e in story.events for t in e["tasks"]],
        "typed": story.typed,
        "pictures": [[second, _text64(jpeg)] for second, jpeg in story.pictures],
        "phrases": phrases(story),
        "compute_ms": {"p50": round(compute_p(story, 50), 1), "p99": round(compute_p(story, 99), 1)},
        "sound": _text64(opus(story)),
    }


def opus(story: Story) -> bytes:
    """The stereo sound as Opus in WebM, which every current browser plays and seeks."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE_HZ, layout="stereo")
        stream.bit_rate = bit_rate(story.seconds)
        for at, block_SC in enumerate(soundfile.blocks(story.sound, BLOCK, dtype="int16", always_2d=True)):
            frame = av.AudioFrame.from_ndarray(block_SC.reshape(1, -1), format="s16", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, at * BLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def bit_rate(seconds: float) -> int:
    """Bits per second of the page's sound: good stereo up to eleven minutes, from half an hour on speech that is easily understood."""
    return round(min(OPUS_BITS_PER_SECOND, max(FEWEST_BITS_PER_SECOND, SOUND_BITS / seconds)))


def _placed(story: Story, key: str) -> list[tuple[float, str]]:
    return [(slot_s(e["turn"]), e[key].strip()) for e in story.events if e[key].strip()]


def _asset(name: str) -> str:
    return files("duologue.timeline").joinpath(name).read_text(encoding="utf-8")


def _text64(data: bytes) -> str:
    return base64.b64encode(data).decode()
