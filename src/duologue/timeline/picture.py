"""The story as a still picture (PNG), in rows like lines of music. See `write_png`."""

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from duologue.timeline.story import PEAKS_PER_SECOND, TURN_S, Story, slot_s
from duologue.turn import TURN_MS

YOU, DUO, OTHER = ("#2f66c4", "#e9effa"), ("#d4532a", "#fbece5"), ("#7a5ea8", "#f0ebf8")  # ink, wash
INK, SOFT, FAINT, LATE, PAPER = "#211f1c", "#77726a", "#e8e4dc", "#c02626", "#fffefc"
WIDTH_IN, LEFT, RIGHT, UNIT_IN, DPI = 15, 0.06, 0.985, 0.42, 110
ROW_S = 16.0  # at this pace every word has room; a longer recording gets longer rows, never more than MOST_ROWS
MOST_ROWS = 12
WORD_ROW_S = 40.0  # rows longer than this are drawn without words
# Places on a row's own scale, from the top down.
PICTURES, YOU_WAVE, HEARD, TYPED, SPEAK, DUO_WAVE, SAID, DONE, COST = 4.05, 3.2, 2.15, 0.82, 0.49, -0.38, -1.43, -2.76, -4.26
WAVE, WORD, COST_TALL, PICTURE_TALL = 0.75, 0.43, 0.8, 1.3


def write_png(path: Path, story: Story) -> None:
    """Draws the whole recording; the picture's size is bounded however long that is."""
    row_s = max(ROW_S if story.seconds > ROW_S else story.seconds, story.seconds / MOST_ROWS)
    rows = int(np.ceil(story.seconds / row_s - 1e-9))
    units = PICTURES - COST + (PICTURE_TALL if story.pictures else 0)
    tall = units * UNIT_IN * (rows + 0.1 * (rows - 1)) + 0.8
    figure = Figure(figsize=(WIDTH_IN, tall), facecolor=PAPER)
    FigureCanvasAgg(figure)
    for number, axes in enumerate(figure.subplots(rows, 1, squeeze=False)[:, 0]):
        _draw_row(axes, story, number * row_s, row_s)
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=1 - 0.5 / tall, bottom=0.3 / tall, hspace=0.1)
    figure.text(LEFT, 1 - 0.36 / tall, story.title, color=INK, size=14, weight="bold", parse_math=False)
    figure.savefig(path, dpi=DPI, format="png")


def _draw_row(axes: Axes, story: Story, start_s: float, row_s: float) -> None:
    _draw_paper(axes)
    spans = [(slot_s(e["turn"]), TURN_S) for e in story.events if e["speak"]]
    axes.broken_barh(spans, (DUO_WAVE - WAVE, 2 * WAVE), color=DUO[1], linewidth=0)
    axes.broken_barh(spans, (SPEAK, 0.09), color=DUO[0], linewidth=0)
    for channel, (middle, tone) in enumerate(((YOU_WAVE, YOU), (DUO_WAVE, DUO))):
        _draw_wave(axes, story.peaks[channel], (start_s, row_s), middle, tone[0])
    _draw_compute(axes, story, start_s, start_s + row_s)
    _draw_pictures(axes, story, start_s, row_s)
    if row_s <= WORD_ROW_S:
        _draw_all_words(axes, story, (start_s, row_s))
    axes.set(xlim=(start_s, start_s + row_s), ylim=(COST, PICTURES + (PICTURE_TALL if story.pictures else 0)))


def _draw_paper(axes: Axes) -> None:
    axes.set(facecolor=PAPER, yticks=[])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", colors=SOFT, length=0, pad=1, labelsize=8.5)
    axes.xaxis.set_major_formatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}" if s == int(s) else "")
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for name, y, ink in (("you", YOU_WAVE, YOU[0]), ("Duo", DUO_WAVE, DUO[0]), ("compute", COST + 0.4, SOFT)):
        places = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center"}
        axes.text(-0.008, y, name, color=ink, weight="bold", **places)


def _draw_wave(axes: Axes, peaks_P2: np.ndarray, row: tuple[float, float], middle: float, ink: str) -> None:
    start_s, row_s = row
    first, last = int(start_s * PEAKS_PER_SECOND), int((start_s + row_s) * PEAKS_PER_SECOND) + 1
    loudest = max(12, int(np.abs(peaks_P2.astype(np.int16)).max()))
    low, high = peaks_P2[first:last].T * (WAVE / loudest)
    seconds = (first + np.arange(len(low))) / PEAKS_PER_SECOND
    axes.fill_between(seconds, middle + low - 0.01, middle + high + 0.01, color=ink, linewidth=0)


def _draw_compute(axes: Axes, story: Story, start_s: float, end_s: float) -> None:
    scale = COST_TALL / max(TURN_MS, *(e["compute_ms"] for e in story.events))
    shown = [e for e in story.events if start_s <= slot_s(e["turn"]) < end_s]
    heights = [max(0.03, e["compute_ms"] * scale) for e in shown]
    inks = [LATE if e["compute_ms"] > TURN_MS else SOFT for e in shown]
    axes.bar([slot_s(e["turn"]) for e in shown], heights, TURN_S * 0.88, COST, align="edge", color=inks, linewidth=0)
    budget = COST + TURN_MS * scale
    axes.axhline(budget, color=LATE, linewidth=0.8, dashes=(3, 4))
    axes.annotate(f"{TURN_MS} ms", (start_s, budget), (3, 2), textcoords="offset points", size=7.5, color=LATE)


def _draw_pictures(axes: Axes, story: Story, start_s: float, row_s: float) -> None:
    tall = PICTURE_TALL - 0.1
    width, free_s = row_s * tall * UNIT_IN * 4 / 3 / (WIDTH_IN * (RIGHT - LEFT)), start_s
    for second, jpeg in story.pictures:
        if free_s <= second < start_s + row_s - width:
            place = (second, second + width, PICTURES, PICTURES + tall)
            axes.imshow(Image.open(io.BytesIO(jpeg)), extent=place, aspect="auto", zorder=3)
            free_s = second + width * 1.04


def _draw_all_words(axes: Axes, story: Story, row: tuple[float, float]) -> None:
    def placed(key: str) -> list[tuple[float, str]]:
        return [(slot_s(e["turn"]), e[key]) for e in story.events if e[key]]

    calls = [(slot_s(e["turn"]), f"{call['kind']} {call['text']}") for e in story.events for call in e["calls"]]
    _draw_words(axes, placed("heard"), row, (HEARD, HEARD - WORD, HEARD - 2 * WORD), YOU)
    _draw_words(axes, story.typed, row, (TYPED,), YOU)
    _draw_words(axes, placed("said"), row, (SAID, SAID - WORD, SAID - 2 * WORD), DUO)
    tasks = [(slot_s(e["turn"]), f"{task['what']} {task['text']}".strip()) for e in story.events for task in e["tasks"]]
    _draw_words(axes, sorted([*placed("text"), *calls, *tasks]), row, (DONE, DONE - WORD), OTHER)


def _draw_words(
    axes: Axes,
    words: list[tuple[float, str]],
    row: tuple[float, float],
    lines: tuple[float, ...],
    tone: tuple[str, str],
) -> None:
    """Each word on the first line that has room for it; without room it is left out (the page has them all)."""
    start_s, row_s = row
    letter_s = row_s * 7.2 / (WIDTH_IN * (RIGHT - LEFT) * DPI)
    free_s = [start_s] * len(lines)
    for second, text in words:
        room = [n for n, free in enumerate(free_s) if free <= second]
        if not room or second >= start_s + row_s:
            continue
        free_s[room[0]] = second + (len(text) + 1.5) * letter_s
        box = {"boxstyle": "round,pad=0.25", "facecolor": tone[1], "linewidth": 0}
        style = {"color": tone[0], "size": 8.5, "va": "center", "clip_on": True, "parse_math": False}
        axes.text(second + 0.4 * letter_s, lines[room[0]], text, bbox=box, **style)
