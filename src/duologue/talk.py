"""What `duologue talk` does: a recording or the microphone through the model, and all of it written down. See `talk`."""

import io
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import soundfile
from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from duologue.errors import ConfigError, DataError
from duologue.media import microphone, recording
from duologue.media.camera import Camera
from duologue.media.patches import only_changed
from duologue.timeline import page, picture
from duologue.timeline.story import TURN_S, Story, event, phrases, read_story, unfinished
from duologue.turn import SAMPLE_RATE_HZ, SAMPLES_PER_TURN, TURN_MS, TurnIn, TurnOut, first_turn_at

if TYPE_CHECKING:
    from duologue.agent.background import Agent

MICROPHONE = "-"
NOTICE = "A machine listens and speaks here, not a person."
MOST_THUMBNAILS = 240
CUT_S = 0.05
QUIET_S = np.zeros(SAMPLES_PER_TURN, np.float32)
TONES = {"you": "blue", "typed": "blue", "duo": "red", "text": "red", "call": "magenta", "task": "magenta"}


class Conversation(Protocol):
    """`live.Conversation`."""

    agent: "Agent | None"

    def step(self, turn: TurnIn) -> TurnOut: ...


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files a run leaves behind; the picture lies beside the page."""

    sound: Path
    events: Path
    page: Path

    @property
    def all(self) -> tuple[Path, Path, Path, Path]:
        return self.sound, self.events, self.page, self.page.with_suffix(".png")


class Seen(NamedTuple):
    """What is shown besides the recording's own pictures, and how sparingly.

    Attributes:
        camera: the device of a camera, or None.
        changed: a picture is passed on when so many of its 255 levels differ on average from the last one; 0: every one.
    """

    camera: str | None = None
    changed: float = 0.0


def talk(
    source: str | None, typed: list[tuple[float, str]], tail_s: float, conversation: Conversation, outputs: Outputs, seen: Seen
) -> None:
    """Runs a new conversation to its end, writes the outputs, prints what was heard and said.

    Args:
        source: path of an audio or video file, MICROPHONE, or None when everything is typed.
        typed: (seconds, text) pairs.
        seen: a camera beside the microphone, and whether pictures are spared.
        tail_s: seconds of silence after the end of the source or of the last typed text.

    Raises:
        DataError: the source cannot be read, or an output cannot be written. No output is touched then.
    """
    title, length_s, sound, pictures, play = _open(source, seen.camera)
    Console(highlight=False).print(NOTICE)
    turns = listen(sound, only_changed(pictures, seen.changed), typed, tail_s)
    if conversation.agent and source != MICROPHONE:
        turns = paced(turns, conversation.agent)
    total = None if length_s is None else math.ceil((length_s + tail_s) * 1000 / TURN_MS)
    thumbnails: list[tuple[float, bytes]] = []
    with replacing(outputs) as parts:
        run(conversation, _watched(turns, total, thumbnails), parts.sound, parts.events, play)
        story = read_story(title, parts.sound, parts.events, typed, thumbnails)
        parts.page.write_text(page.render(story), encoding="utf-8")
        picture.write_png(parts.all[3], story)
    report(story, outputs)


def _open(source: str | None, camera: str | None):
    """Title, length if known, sound a turn, picture a turn, and what to do with the model's own sound."""
    if source == MICROPHONE:
        watched = Camera(camera) if camera else None
        heard, play = microphone.open_card()
        if watched:
            return "microphone and camera", None, watched.beside(heard), watched.pictures(), play
        return "microphone", None, heard, (), play
    if camera:
        raise ConfigError("the camera goes with the microphone: --input - --camera /dev/video0")
    if source is None:
        return "typed", 0.0, (), (), lambda pcm_S: None
    path = Path(source)
    length_s = recording.describe(path)
    _warn_if_cut(path, length_s)
    return path.name, length_s, recording.turn_sound(path), recording.turn_pictures(path), lambda pcm_S: None


def _warn_if_cut(path: Path, length_s: float | None) -> None:
    promised_s = recording.promised(path)
    if promised_s and length_s and promised_s - length_s > CUT_S:
        what = f"the file says {promised_s:.1f} s, {length_s:.1f} s could be read"
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"duologue: {path} is cut off: {what}")


def parse_typed(values: Iterable[str]) -> list[tuple[float, str]]:
    """("3.5:hello",) as ((3.5, "hello"),), in the order of time."""
    found = []
    for value in values:
        second, colon, text = value.partition(":")
        try:
            at_s = float(second)
        except ValueError:
            at_s = math.nan
        if not (colon and text.strip() and 0 <= at_s < math.inf):
            raise ConfigError(f'--typed {value!r}: write SECONDS:TEXT, for example --typed "3.5:hello"')
        found.append((at_s, text.strip()))
    return sorted(found)


def listen(
    sound: Iterable[np.ndarray],
    pictures: Iterable[np.ndarray | None],
    typed: list[tuple[float, str]],
    tail_s: float,
) -> Iterator[TurnIn]:
    """Sound, pictures and typed text as turns, then the tail; a side that ends first is silent or dark.

    Raises:
        DataError: there is nothing in it at all.
    """
    texts: dict[int, list[str]] = {}
    for at_s, text in typed:
        texts.setdefault(first_turn_at(at_s), []).append(text)
    index = -1
    for index, (pcm_S, image) in enumerate(zip_longest(sound, pictures)):
        yield TurnIn(index, QUIET_S if pcm_S is None else pcm_S, image, "\n".join(texts.get(index, ())))
    if index < 0 and not texts:
        raise DataError("the input is empty: it holds no sound and no pictures")
    end = max(index, *texts, -1) + 1 + math.ceil(tail_s * 1000 / TURN_MS - 1e-6)
    for index in range(index + 1, end):  # noqa: B020 (goes on where the recording ended)
        yield TurnIn(index, QUIET_S, typed="\n".join(texts.get(index, ())))


def paced(turns: Iterable[TurnIn], agent: "Agent") -> Iterator[TurnIn]:
    """As fast as they are taken; no faster than the world while it is working on a task, so that its answer finds its turn."""
    for turn in turns:
        begun_s = time.monotonic()
        yield turn
        if agent.awaited:
            time.sleep(max(0.0, begun_s + TURN_S - time.monotonic()))


@contextmanager
def background(live: bool, **given) -> Iterator["Agent | None"]:
    """The background side that `given` (see `agent.behind.Behind`) asks for, until the talk has ended.

    None where its packages are not installed and nothing was asked of it. What runs in here alone runs on the turns' own clock,
    unless the talk is live. Raises ConfigError as `agents` does, ModuleNotFoundError for a package that is needed.
    """
    try:
        from duologue.agent.behind import Behind, agents
        from duologue.agent.loops import Stepped, Threaded
    except ModuleNotFoundError as error:
        if any(given.values()) or str(error.name).startswith("duologue"):
            raise
        yield None
        return
    behind = Behind.of(**given)
    make = agents(behind)
    agent = make(loop=Threaded() if live or behind.outside else Stepped())
    try:
        yield agent
    finally:
        agent.close()
        agent.loop.close()


def run(
    conversation: Conversation,
    turns: Iterable[TurnIn],
    sound: Path,
    events: Path,
    play: Callable[[np.ndarray], None],
) -> None:
    """One step a turn, each written at once. What is said after input turn k lies one turn later in the sound."""
    own_S, agent, known = QUIET_S, conversation.agent, 0
    with (
        soundfile.SoundFile(sound, "w", SAMPLE_RATE_HZ, 2, "PCM_16", format="WAV") as wav,
        events.open("w", encoding="utf-8") as lines,
    ):
        for turn in turns:
            out = conversation.step(turn)
            play(out.pcm_S)
            tasks = [(new.task, new.what, new.text) for new in agent.events[known:]] if agent else []
            known += len(tasks)
            wav.write(np.stack([turn.pcm_S, own_S], 1))
            lines.write(json.dumps(event(out, tasks), ensure_ascii=False) + "\n")
            own_S = out.pcm_S
        wav.write(np.stack([QUIET_S, own_S], 1))


def _watched(turns: Iterable[TurnIn], total: int | None, thumbnails: list[tuple[float, bytes]]) -> Iterator[TurnIn]:
    """Passes the turns on, shows a progress bar on a terminal, and keeps some of the pictures."""
    console, every = Console(stderr=True), 1
    hidden = not console.is_terminal
    for turn in track(turns, "listening", total, console=console, transient=True, disable=hidden):
        if turn.image is not None and turn.index % every == 0:
            thumbnails.append((turn.index * TURN_MS / 1000, _jpeg(turn.image)))
        if len(thumbnails) > MOST_THUMBNAILS:
            del thumbnails[1::2]
            every *= 2
        yield turn


def _jpeg(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=80)
    return out.getvalue()


@contextmanager
def replacing(outputs: Outputs) -> Iterator[Outputs]:
    """Files to write instead; they take the places of `outputs` together, when all are whole, and are gone otherwise."""
    parts = Outputs(*(path.with_name(f".{path.name}.{os.getpid()}.part") for path in outputs.all[:3]))
    try:
        for path in outputs.all:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield parts
        for part, path in zip(parts.all, outputs.all, strict=True):
            os.replace(part, path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"cannot write the outputs: {error}") from error
    finally:
        for part in parts.all:
            with suppress(OSError):
                part.unlink()


def report(story: Story, outputs: Outputs) -> None:
    """Prints the transcript and where everything was written."""
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 1))
    for phrase in phrases(story):
        who = {"text": "duo writes", "call": "duo calls", "typed": "you type", "task": "its task"}.get(phrase.who, phrase.who)
        tone = TONES[phrase.who]
        table.add_row(f"{phrase.start_s:7.1f} s", f"[{tone}]{who}[/]", escape(phrase.text))
    console.print(table if table.row_count else "Nobody said a word.")
    for id in unfinished(story):
        console.print(f"task {id} was still being worked on at the end: --tail gives it more time")
    for path in outputs.all:
        console.print(f"wrote {escape(str(path))}", soft_wrap=True)
