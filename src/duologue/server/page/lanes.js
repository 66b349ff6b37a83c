/* The lanes of the live timeline, from top to bottom, and how each is drawn. Read `lanes` first.
   A sheet is {pen, view, colours, story}: pen is the canvas context, view maps seconds to pixels. */

import { PEAKS_PER_SECOND, TURN_S } from "./story.js";
import { drawTasks, rowsOf } from "./tasks.js";

const ROW = 22,
  BUDGET_MS = 1000 * TURN_S;
const FONT = '"Inter", system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const font = (size, weight = 400) => `${weight} ${size}px ${FONT}`;

/* Those lanes that have something to show, or always do. `narrow` and `low` for small screens. */
export function lanes(story, narrow, low) {
  const wave = low ? 46 : 60,
    rows = narrow ? 1 : 2;
  const words = (side, tone, rows, rest) => ({
    tone,
    height: rows * ROW + 7,
    draw: wordsLane(story.words[side], tone, rows),
    ...rest,
  });
  return [
    { height: 24, draw: drawAxis },
    { name: "you", note: "sound in", tone: "you", height: wave, draw: drawYou },
    words("heard", "you", rows, { name: "", note: "words heard" }),
    { name: "shown", tone: "you", height: 50, draw: drawPictures, absent: !story.pictures.length },
    words("typed", "you", 1, { name: "typed", absent: !story.words.typed.length }),
    { name: "decides", note: "to speak", height: 28, draw: drawDecisions },
    { name: "Duo", note: "sound out", tone: "duo", height: wave, draw: drawDuo },
    words("said", "duo", rows, { name: "", note: "words said" }),
    words("text", "duo", 1, { name: "writes", absent: !story.words.text.length }),
    {
      name: "tasks",
      note: "background",
      tone: "other",
      height: rowsOf(story.tasks) * (low ? 28 : 33) + 6,
      draw: drawTasks,
      absent: !story.tasks.length,
    },
    { name: "tick", note: "of 200 ms", height: low ? 40 : 48, draw: drawTicks },
  ].filter((lane) => !lane.absent);
}

export function clock(second, digits = 0) {
  const minutes = Math.floor(second / 60),
    rest = second - 60 * minutes;
  return minutes + ":" + rest.toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
}

/* ---- time ---- */

const ruleStep = (view) => [0.2, 1, 2, 5, 10, 30, 60, 300].find((step) => step * view.pps >= 64) ?? 600;

function eachRule({ view, story }, step, draw) {
  const last = Math.min(view.end, story.now);
  for (let n = Math.max(0, Math.ceil(view.start / step)); n * step <= last; n++)
    draw(Math.round(view.x(n * step)), n * step);
}

export function drawGrid(sheet) {
  const { pen, view, colours, story } = sheet;
  const rule = (colour) => (x) => ((pen.fillStyle = colour), pen.fillRect(x, 24, 1, view.height - 24));
  if (TURN_S * view.pps >= 9) eachRule(sheet, TURN_S, rule(colours.hair));
  eachRule(sheet, ruleStep(view), rule(colours.faint));
  pen.fillStyle = colours["late-wash"];
  for (const [from, to] of story.gaps)
    pen.fillRect(view.x(from), 24, ((to ?? story.now) - from) * view.pps, view.height - 24);
}

function drawAxis(sheet) {
  const { pen, view, colours } = sheet,
    step = ruleStep(view);
  pen.font = font(11.5);
  pen.fillStyle = colours.soft;
  pen.textBaseline = "alphabetic";
  eachRule(sheet, step, (x, second) => pen.fillText(clock(second, step < 1 ? 1 : 0), x + 4, 15));
}

/* ---- sound ---- */

function drawYou(sheet, y, height) {
  const { pen, view, colours, story } = sheet;
  pen.fillStyle = colours["late-wash"];
  eachTurn(sheet, (turn, x) => turn.missing_ms && pen.fillRect(x - TURN_S * view.pps, y, TURN_S * view.pps, height));
  drawWave(sheet, y, height, story.you, colours.you);
}

function drawDuo(sheet, y, height) {
  const { pen, view, colours, story } = sheet;
  pen.fillStyle = colours["duo-wash"];
  eachTurn(sheet, (turn, x) => turn.speak && pen.fillRect(x, y + 2, TURN_S * view.pps + 0.5, height - 4));
  drawWave(sheet, y, height, story.duo, colours.duo);
}

/* The outline, one column a pixel; columns belong to places in time, so that scrolling does not make it shimmer. */
function drawWave({ pen, view, story }, y, height, track, colour) {
  const middle = y + height / 2,
    scale = (height / 2 - 4) / track.loudest,
    points = PEAKS_PER_SECOND / view.pps;
  const first = Math.floor(view.start * view.pps),
    last = Math.ceil(Math.min(view.end, story.now) * view.pps),
    tops = [];
  pen.fillStyle = colour;
  pen.globalAlpha = 0.25;
  pen.fillRect(view.x(0), middle - 0.5, view.x(story.now) - view.x(0), 1);
  pen.globalAlpha = 1;
  pen.beginPath();
  for (let column = Math.max(0, first); column <= last; column++) {
    const from = Math.floor(column * points),
      x = column - view.start * view.pps;
    const [low, high] = track.span(from, Math.max(from + 1, Math.floor((column + 1) * points)));
    pen.lineTo(x, middle - high * scale);
    tops.push([x, middle - low * scale]);
  }
  for (const [x, edge] of tops.reverse()) pen.lineTo(x, edge);
  pen.fill();
}

/* ---- turns ---- */

/* `draw(turn, x)` for every output turn on the sheet; turn k lies in slot k + 1. */
function eachTurn({ view, story }, draw) {
  const first = Math.max(0, Math.floor(view.start / TURN_S) - 2),
    last = Math.ceil(view.end / TURN_S);
  for (const turn of story.turns.slice(first, last + 1)) if (turn) draw(turn, view.x((turn.turn + 1) * TURN_S));
}

function drawDecisions(sheet, y, height) {
  const { pen, view, colours, story } = sheet,
    top = y + height / 2 - 5,
    width = TURN_S * view.pps;
  pen.fillStyle = colours.faint;
  pen.fillRect(view.x(0), top + 4, view.x(story.now) - view.x(0), 2);
  pen.fillStyle = colours.duo;
  eachTurn(sheet, (turn, x) => {
    if (!turn.speak) return;
    const first = !story.turns[turn.turn - 1]?.speak,
      last = !story.turns[turn.turn + 1]?.speak;
    pen.beginPath();
    pen.roundRect(x, top, width + (last ? -1 : 0.5), 10, [first ? 5 : 0, last ? 5 : 0, last ? 5 : 0, first ? 5 : 0]);
    pen.fill();
  });
}

function drawTicks(sheet, y, height) {
  const { pen, view, colours, story } = sheet,
    foot = y + height - 6,
    scale = (height - 20) / BUDGET_MS;
  const budget = Math.round(foot - BUDGET_MS * scale) + 0.5,
    width = Math.max(1, TURN_S * view.pps - 1.5);
  eachTurn(sheet, (turn, x) => {
    const tall = Math.max(1.5, Math.min(turn.compute_ms, 1.15 * BUDGET_MS) * scale);
    pen.fillStyle = turn.late || turn.compute_ms > BUDGET_MS ? colours.late : colours.soft;
    pen.fillRect(x, foot - tall, width, tall);
  });
  pen.strokeStyle = colours.late;
  pen.globalAlpha = 0.6;
  pen.setLineDash([2, 5]);
  pen.beginPath();
  pen.moveTo(0, budget);
  pen.lineTo(Math.min(view.width, view.x(story.now)), budget);
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

/* ---- words, pictures ---- */

/* Words go to the first row in which they fit; where no row has room they stay a mark. Places are kept for one zoom. */
function wordsLane(list, tone, rows) {
  let places = [],
    ends = [],
    pps = 0;
  const place = (pen, [second, text], pps) => {
    const width = pen.measureText(text).width + 14,
      left = second * pps,
      row = ends.findIndex((end) => end <= left);
    if (row >= 0) ends[row] = left + width + 3;
    places.push({ text, left, width, row });
  };
  return (sheet, y) => {
    const { pen, view } = sheet;
    pen.font = font(12.5, 500);
    if (view.pps !== pps) [places, ends, pps] = [[], new Array(rows).fill(-Infinity), view.pps];
    while (places.length < list.length) place(pen, list[places.length], pps);
    const first = view.start * pps;
    for (let i = places.length - 1; i >= 0 && places[i].left > first - 600; i--)
      drawWord(sheet, places[i], y, first, tone);
  };
}

function drawWord({ pen, view, colours }, { text, left, width, row }, y, first, tone) {
  const x = left - first,
    top = y + 3 + Math.max(0, row) * ROW;
  if (x > view.width || x + width < 0) return;
  pen.fillStyle = colours[tone];
  if (row < 0) return pen.fillRect(x, y - 3, 1, 5);
  pen.fillStyle = colours[tone + "-wash"];
  pen.beginPath();
  pen.roundRect(x, top, width, ROW - 3, [2, 7, 7, 7]);
  pen.fill();
  pen.fillStyle = colours[tone];
  pen.textBaseline = "middle";
  pen.fillText(text, x + 7, top + (ROW - 3) / 2 + 0.5);
}

function drawPictures({ pen, view, story }, y, height) {
  const tall = height - 8,
    wide = (tall * 4) / 3;
  let free = -Infinity;
  for (const { second, image } of story.pictures) {
    const left = second * view.pps,
      x = view.x(second);
    if (left < free) continue;
    free = left + wide + 3;
    if (x > view.width || x + wide < 0) continue;
    pen.save();
    pen.beginPath();
    pen.roundRect(x + 1, y + 4, wide, tall, 4);
    pen.clip();
    pen.drawImage(image, x + 1, y + 4, wide, tall);
    pen.restore();
  }
}
