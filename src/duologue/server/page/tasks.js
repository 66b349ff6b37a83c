/* The lane of background tasks: as many rows as overlap, on each the task's name above its bar. How a stretch of the bar
   is filled says how far the task was, marks say what happened at a moment. Read `drawTasks` first. */

const BAR = 9,
  ROOM_S = 1; // between two tasks of one row
const LONGEST_NAME = 360; // pixels
const WORDS = { heard: "heard again", question: "asks you", superseded: "replaced" }; // of states that are no words of their own
const CROSS = ["soft", "M-2.4-2.4 2.4 2.4M-2.4 2.4 2.4-2.4"],
  SHOUT = ["late", "M0-3.5V.7M0 3.4V3.5"];
const MARKS = {
  spoken: ["duo", "M-3 .2-.8 2.4 3.2-2.4"],
  cancelled: CROSS,
  superseded: CROSS,
  failed: SHOUT,
  expired: SHOUT,
  question: ["late", "M-2-1.8C-2-4.4 2-4.4 2-1.8 2-.4 0-.4 0 1M0 3.4V3.5"],
};
const FILLS = { asked: dashes, working: hatch, partial: wash, question: urge, delivered: solid };
const LEGEND = ["asked", "working", "partial", "delivered", "spoken", "question", "cancelled", "failed"];

export const rowsOf = (tasks) => Math.max(-1, ...places(tasks)) + 1;

export function drawTasks({ pen, view, colours, story }, y, height) {
  const rows = places(story.tasks),
    tall = (height - 6) / rowsOf(story.tasks),
    next = new Map(); // row -> where its next task begins
  for (let i = story.tasks.length - 1; i >= 0; i--) {
    const task = story.tasks[i],
      x = view.x(task.from),
      end = view.x(task.to ?? story.now),
      top = y + 3 + rows[i] * tall,
      left = Math.max(x, Math.min(3, end - 60)), // of the name, which stays in sight as long as its bar
      room = Math.min((next.get(rows[i]) ?? Infinity) - 10 - left, LONGEST_NAME);
    next.set(rows[i], x);
    if (x > view.width || Math.max(end, left + room) < 0) continue;
    drawBar(pen, colours, task, top + tall - BAR - 4, (second) => view.x(second), story.now);
    drawName(pen, colours, task, left, top + tall - BAR - 11, room);
  }
}

/* How a task stands at a moment, in words; nothing before and after its time. */
export function stands(task, second) {
  const last = task.steps.findLast((step) => step.second <= second + 1e-6);
  if (!last || (task.to !== null && second > task.to)) return null;
  const text = ["asked", "working", "superseded"].includes(last.state) ? "" : last.text.slice(0, 80);
  return `“${task.name}” ${word(last.state)}${text && `: “${text}”`}`;
}

/* Fills a list with the looks of all states. */
export function drawLegend(list, colours) {
  const dots = devicePixelRatio || 1;
  const entries = LEGEND.map((state) => {
    const wide = FILLS[state] ? 26 : 16,
      canvas = Object.assign(document.createElement("canvas"), { width: wide * dots, height: 16 * dots }),
      pen = canvas.getContext("2d"),
      item = document.createElement("li");
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    FILLS[state]?.(pen, colours, 1, 3.5, 24);
    if (MARKS[state]) mark(pen, colours, MARKS[state], 8, 8);
    item.append(canvas, word(state));
    return item;
  });
  list.replaceChildren(...entries);
}

const word = (state) => WORDS[state] ?? state;

/* The row of each task: the first in which the one before has ended. */
function places(tasks) {
  const ends = [];
  return tasks.map(({ from, to }) => {
    const free = ends.findIndex((end) => end + ROOM_S <= from),
      row = free < 0 ? ends.length : free;
    ends[row] = to ?? Infinity;
    return row;
  });
}

function drawBar(pen, colours, task, y, at, now) {
  for (const [phase, from, to] of phases(task, now))
    FILLS[phase](pen, colours, at(from) + 0.75, y, Math.max(3, at(to) - at(from) - 1.5));
  for (const { second, state } of task.steps) {
    if (state === "partial") dot(pen, colours, at(second) + 4, y + BAR / 2);
    if (MARKS[state]) mark(pen, colours, MARKS[state], at(second), y + BAR / 2);
  }
}

/* The name, and in a lighter tone how it stands; both end where the next task of this row begins. */
function drawName(pen, colours, task, x, y, room) {
  const { state } = task.steps.at(-1),
    over = state === "cancelled" || state === "superseded",
    how = word(state);
  pen.textBaseline = "middle";
  pen.font = font(500);
  const name = fit(pen, task.name, room - pen.measureText(how).width - 8),
    width = pen.measureText(name).width;
  if (!name) return;
  pen.fillStyle = over ? colours.soft : colours.other;
  pen.fillText(name, x, y);
  if (over) pen.fillRect(x, y, width, 1);
  pen.font = font(400);
  pen.fillStyle = colours.soft;
  pen.fillText(how, x + width + 7, y);
}

const font = (weight) => `${weight} 12px "Inter", system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif`;

function fit(pen, text, space) {
  const wide = pen.measureText(text).width;
  if (wide <= space) return text;
  const letters = Math.floor((text.length * space) / wide) - 1;
  return letters < 3 ? "" : text.slice(0, letters).trimEnd() + "…";
}

/* ---- how far a task is ---- */

/* [phase, from, to] along a task: what it waited for, or that its words were being told. */
function* phases(task, now) {
  let phase = "asked",
    from = task.from,
    waiting = 0; // sentences that the model has not been given
  for (const { second, state } of task.steps) {
    waiting += { partial: 1, failed: 1, delivered: -1 }[state] ?? 0;
    const next = after(phase, state, waiting);
    if (next === phase) continue;
    if (second > from) yield [phase, from, second];
    [phase, from] = [next, second];
  }
  if ((task.to ?? now) > from) yield [phase, from, task.to ?? now];
}

function after(phase, state, waiting) {
  if (state === "working" || state === "allowed" || state === "denied") return "working";
  if (phase === "question" || state === "question") return "question";
  if (state === "delivered") return "delivered";
  if (state === "spoken") return waiting > 0 ? "partial" : "working";
  return (state === "partial" || state === "failed") && phase !== "delivered" ? "partial" : phase;
}

/* ---- looks ---- */

function shape(pen, x, y, width) {
  pen.beginPath();
  pen.roundRect(x, y, width, BAR, Math.min(BAR, width) / 2.5);
}

function outlined(pen, colour, x, y, width, dash = []) {
  shape(pen, x + 0.5, y + 0.5, width - 1);
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.setLineDash(dash);
  pen.stroke();
  pen.setLineDash([]);
}

function dashes(pen, colours, x, y, width) {
  outlined(pen, colours.other, x, y, width, [2, 2.5]);
}

function hatch(pen, colours, x, y, width) {
  pen.save();
  shape(pen, x, y, width);
  pen.fillStyle = colours["other-wash"];
  pen.fill();
  pen.clip();
  pen.beginPath();
  for (let at = x - BAR; at < x + width; at += 6) (pen.moveTo(at, y + BAR), pen.lineTo(at + BAR, y));
  pen.strokeStyle = colours.other;
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1.2;
  pen.stroke();
  pen.restore();
}

function wash(pen, colours, x, y, width) {
  shape(pen, x, y, width);
  pen.fillStyle = colours.other;
  pen.globalAlpha = 0.3;
  pen.fill();
  pen.globalAlpha = 1;
  outlined(pen, colours.other, x, y, width);
}

function urge(pen, colours, x, y, width) {
  shape(pen, x, y, width);
  pen.fillStyle = colours["late-wash"];
  pen.fill();
  outlined(pen, colours.late, x, y, width);
}

function solid(pen, colours, x, y, width) {
  shape(pen, x, y, width);
  pen.fillStyle = colours.other;
  pen.fill();
}

/* ---- marks ---- */

function dot(pen, colours, x, y) {
  round(pen, colours.other, x, y, 3.2);
  round(pen, colours.card, x, y, 1.8);
}

function round(pen, colour, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fillStyle = colour;
  pen.fill();
}

function mark(pen, colours, [tone, path], x, y) {
  round(pen, colours.card, x, y, 8);
  round(pen, colours[tone], x, y, 6.8);
  pen.save();
  pen.translate(x, y);
  pen.strokeStyle = colours.card;
  pen.lineWidth = 1.6;
  pen.lineCap = pen.lineJoin = "round";
  pen.stroke(new Path2D(path));
  pen.restore();
}
