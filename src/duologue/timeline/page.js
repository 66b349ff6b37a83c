"use strict";
/* Draws the story on two canvases: `base` when the view changes, `over` (playhead, pointer) as often as needed.
   Read `lanes` first: one entry for each lane, from top to bottom. */

const $ = (id) => document.getElementById(id);
const story = JSON.parse($("story").textContent);
const bytes = (text64) => Uint8Array.from(atob(text64), (c) => c.charCodeAt(0));
const peaks = story.peaks.map((text64) => new Int8Array(bytes(text64).buffer)); // low, high, low, high, …
const audio = $("audio");
audio.src = URL.createObjectURL(new Blob([bytes(story.sound)], { type: "audio/webm" }));

const view = { start: 0, pps: 0, width: 800, height: 0 }; // pps: pixels a second
const ROW = 26, BUDGET_MS = story.turn_s * 1000;
let pointer = null, colours = {};

/* ---- lanes ---- */

const pictures = story.pictures.map(([second, jpeg]) => {
  const image = new Image();
  image.onload = () => drawBase();
  image.src = "data:image/jpeg;base64," + jpeg;
  return { second, image };
});

const lanes = [
  { height: 26, draw: drawAxis },
  { name: "you", note: "sound in", tone: "you", height: 88, draw: (y, h) => drawWave(y, h, 0, "you") },
  { name: "", note: "words heard", tone: "you", words: story.heard, rows: 2, from: "you" },
  { name: "shown", tone: "you", height: 74, draw: drawPictures, absent: !pictures.length },
  { name: "typed", tone: "you", words: story.typed, rows: 1, absent: !story.typed.length },
  { name: "decides", note: "to speak", height: 34, draw: drawDecisions },
  { name: "Duo", note: "sound out", tone: "duo", height: 88, draw: (y, h) => drawWave(y, h, 1, "duo") },
  { name: "", note: "words said", tone: "duo", words: story.said, rows: 2, from: "duo" },
  { name: "writes", tone: "duo", words: story.text, rows: 1, absent: !story.text.length },
  { name: "calls", tone: "other", words: story.calls, rows: 1, absent: !story.calls.length },
  { name: "tasks", tone: "other", words: story.tasks, rows: 2, absent: !story.tasks.length },
  { name: "compute", note: "for each turn", height: 72, draw: drawCompute },
].filter((lane) => !lane.absent);

for (const lane of lanes) {
  if (!lane.words) continue;
  lane.height = lane.rows * ROW + 10;
  lane.draw = (y) => drawWords(y, lane);
}

/* ---- the clock on the screen ---- */

const xOf = (second) => (second - view.start) * view.pps;
const secondAt = (x) => view.start + x / view.pps;
const wholePps = () => view.width / story.seconds;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function clock(second, digits = 1) {
  const minutes = Math.floor(second / 60);
  return minutes + ":" + (second - 60 * minutes).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
}

function setView(start, pps) {
  const before = view.pps;
  view.pps = clamp(pps, wholePps(), Math.max(800, wholePps()));
  view.start = clamp(start, 0, Math.max(0, story.seconds - view.width / view.pps));
  if (view.pps !== before) lanes.filter((lane) => lane.words).forEach(placeWords);
  drawBase();
  drawOver();
}

function zoom(factor, x = view.width / 2) {
  const held = secondAt(x), pps = clamp(view.pps * factor, wholePps(), Math.max(800, wholePps()));
  setView(held - x / pps, pps);
}

/* ---- drawing: base ---- */

const base = $("base").getContext("2d"), over = $("over").getContext("2d");
const font = (size, weight = 400) => `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "card", "ink", "soft", "faint", "hair", "you", "you-wash", "duo", "duo-wash", "other", "other-wash", "late"])
    colours[name] = style.getPropertyValue("--" + name).trim();
}

function drawBase() {
  base.clearRect(0, 0, view.width, view.height);
  drawGrid();
  let y = 0;
  for (const lane of lanes) {
    lane.y = y;
    lane.draw(y, lane.height);
    y += lane.height;
  }
}

function drawGrid() {
  const seconds = tickStep();
  const rule = (step, colour) => {
    base.fillStyle = colour;
    for (let n = Math.ceil(view.start / step); n * step <= secondAt(view.width); n++)
      base.fillRect(Math.round(xOf(n * step)), 24, 1, view.height - 24);
  };
  if (story.turn_s * view.pps >= 9) rule(story.turn_s, colours.hair);
  rule(seconds, colours.faint);
}

function tickStep() {
  return [0.2, 1, 2, 5, 10, 30, 60, 300, 600].find((step) => step * view.pps >= 64) || 600;
}

function drawAxis() {
  const step = tickStep();
  base.font = font(12);
  base.fillStyle = colours.soft;
  base.textBaseline = "alphabetic";
  for (let n = Math.ceil(view.start / step); n * step <= secondAt(view.width); n++)
    base.fillText(clock(n * step, step < 1 ? 1 : 0), clamp(xOf(n * step) + 4, 0, view.width - 30), 15);
}

const loudest = peaks.map((channel) => Math.max(12, channel.reduce((most, v) => Math.max(most, Math.abs(v)), 0)));

function drawWave(y, height, channel, tone) {
  const values = peaks[channel], rate = story.peak_rate, middle = y + height / 2;
  const scale = (height / 2 - 5) / loudest[channel];
  if (channel === 1) drawSpoken(y, height);
  base.fillStyle = colours[tone];
  base.globalAlpha = 0.25;
  base.fillRect(0, middle - 0.5, Math.min(view.width, xOf(story.seconds)), 1);
  base.globalAlpha = 1;
  const step = Math.max(1, view.pps / rate), tops = [], bottoms = [];
  for (let x = -step; x <= view.width + step; x += step) {
    const from = Math.max(0, Math.floor(secondAt(x) * rate)), to = Math.max(from + 1, Math.ceil(secondAt(x + step) * rate - 1e-6));
    let low = 0, high = 0;
    for (let i = from; i < to && 2 * i < values.length; i++) {
      low = Math.min(low, values[2 * i]);
      high = Math.max(high, values[2 * i + 1]);
    }
    tops.push([x, middle - high * scale]);
    bottoms.push([x, middle - low * scale]);
  }
  base.beginPath();
  for (const [x, edge] of [...tops, ...bottoms.reverse()]) base.lineTo(x, edge);
  base.fill();
}

const slotOf = (turn) => (turn + 1) * story.turn_s;

function spokenRuns() {
  const runs = [];
  for (const { turn, speak } of story.turns) {
    if (!speak) continue;
    const last = runs[runs.length - 1];
    if (last && last[1] === turn) last[1] = turn + 1;
    else runs.push([turn, turn + 1]);
  }
  return runs.map(([from, to]) => [slotOf(from), slotOf(to)]);
}

const spoken = spokenRuns();

function drawSpoken(y, height) {
  base.fillStyle = colours["duo-wash"];
  for (const [from, to] of spoken) base.fillRect(xOf(from), y, (to - from) * view.pps, height);
}

function drawDecisions(y, height) {
  const top = y + height / 2 - 5;
  pill(xOf(story.turn_s), top + 4, (story.seconds - story.turn_s) * view.pps, 2, colours.faint);
  for (const [from, to] of spoken) pill(xOf(from), top, Math.max(2, (to - from) * view.pps - 1), 10, colours.duo);
}

function pill(x, y, width, height, colour) {
  base.fillStyle = colour;
  base.beginPath();
  base.roundRect(x, y, width, height, height / 2);
  base.fill();
}

/* Words go to the first row in which they fit; where no row has room they stay a mark on the wave's edge. */
function placeWords(lane) {
  base.font = font(13, 500);
  const ends = new Array(lane.rows).fill(-Infinity);
  lane.places = lane.words.map(([second, text]) => {
    const width = base.measureText(text).width + 16;
    const left = Math.max(0, Math.min(second * view.pps, story.seconds * view.pps - width)); // whole at the end, too
    const row = ends.findIndex((end) => end <= left);
    if (row >= 0) ends[row] = left + width + 3;
    return { second, text, left, width, row };
  });
}

function drawWords(y, lane) {
  const first = view.start * view.pps;
  const seen = lane.places.filter(({ left, width }) => left < first + view.width && left + width > first);
  base.fillStyle = colours[lane.tone];
  base.globalAlpha = 0.4;
  if (lane.from) for (const { second, row } of seen) base.fillRect(xOf(second), y - 5, 1, row < 0 ? 9 : 12 + row * ROW);
  base.globalAlpha = 1;
  base.font = font(13, 500);
  base.textBaseline = "middle";
  for (const { text, left, width, row } of seen) {
    if (row < 0) continue;
    const x = left - first, top = y + 4 + row * ROW;
    base.fillStyle = colours[lane.tone + "-wash"];
    base.beginPath();
    base.roundRect(x, top, width, ROW - 4, [lane.from ? 2 : 7, 7, 7, 7]);
    base.fill();
    base.fillStyle = colours[lane.tone];
    base.fillText(text, x + 8, top + (ROW - 4) / 2 + 0.5);
  }
}

function drawPictures(y, height) {
  const size = height - 10, width = (size * 4) / 3;
  let free = -Infinity;
  for (const { second, image } of pictures) {
    const left = second * view.pps, x = xOf(second);
    if (left < free) continue;
    free = left + width + 3;
    if (x > view.width || x + width < 0 || !image.complete) continue;
    base.save();
    base.beginPath();
    base.roundRect(x + 1, y + 4, width, size, 5);
    base.clip();
    base.drawImage(image, x + 1, y + 4, width, size);
    base.restore();
  }
}

function drawCompute(y, height) {
  const most = Math.max(BUDGET_MS, ...story.turns.map((t) => t.compute_ms)), foot = y + height - 8;
  const scale = (height - 30) / most, budget = Math.round(foot - BUDGET_MS * scale) + 0.5;
  const width = Math.max(1, story.turn_s * view.pps - (story.turn_s * view.pps > 5 ? 1.5 : 0));
  for (const { turn, compute_ms } of story.turns) {
    const x = xOf(slotOf(turn));
    if (x + width < 0 || x > view.width) continue;
    base.fillStyle = compute_ms > BUDGET_MS ? colours.late : colours.soft;
    const tall = Math.max(1.5, compute_ms * scale);
    base.fillRect(x, foot - tall, width, tall);
  }
  base.strokeStyle = colours.late;
  base.setLineDash([3, 4]);
  base.beginPath();
  base.moveTo(0, budget);
  base.lineTo(view.width, budget);
  base.stroke();
  base.setLineDash([]);
  base.font = font(11);
  base.textBaseline = "alphabetic";
  base.fillStyle = colours.late;
  base.fillText(BUDGET_MS + " ms", 5, budget - 4);
}

/* ---- drawing: over ---- */

function drawOver() {
  over.clearRect(0, 0, view.width, view.height);
  if (pointer) {
    const turn = Math.floor(secondAt(pointer.x) / story.turn_s);
    over.fillStyle = colours.soft;
    over.globalAlpha = 0.1;
    over.fillRect(xOf(turn * story.turn_s), 20, story.turn_s * view.pps, view.height);
    over.globalAlpha = 1;
  }
  const x = xOf(audio.currentTime);
  over.fillStyle = colours.ink;
  over.fillRect(x - 0.75, 20, 1.5, view.height - 20);
  over.beginPath();
  over.arc(x, 20, 4.5, 0, 7);
  over.fill();
  drawOverview();
  $("now").textContent = clock(audio.currentTime);
}

const overview = $("overview").getContext("2d");
let small = null; // both waveforms of the whole recording, drawn once for each size and theme

function drawSmall(width, height) {
  small = document.createElement("canvas");
  small.width = width;
  small.height = height;
  const ctx = small.getContext("2d"), points = peaks[0].length / 2;
  [["you", -1], ["duo", 1]].forEach(([tone, side], channel) => {
    ctx.fillStyle = colours[tone];
    for (let x = 0; x < width; x++) {
      let high = 0;
      const to = Math.max(Math.floor((x * points) / width) + 1, Math.floor(((x + 1) * points) / width));
      for (let i = Math.floor((x * points) / width); i < to; i++) high = Math.max(high, peaks[channel][2 * i + 1]);
      const tall = (high / loudest[channel]) * (height / 2 - 3);
      ctx.fillRect(x, side < 0 ? height / 2 - tall : height / 2, 1, tall);
    }
  });
}

function drawOverview() {
  const { width, height } = $("overview"), scale = width / story.seconds;
  if (!small) drawSmall(width, height);
  overview.clearRect(0, 0, width, height);
  overview.drawImage(small, 0, 0);
  const from = view.start * scale, to = (view.start + view.width / view.pps) * scale;
  overview.fillStyle = colours.card;
  overview.globalAlpha = 0.72;
  overview.fillRect(0, 0, from, height);
  overview.fillRect(to, 0, width - to, height);
  overview.globalAlpha = 1;
  overview.fillStyle = colours.ink;
  overview.fillRect(audio.currentTime * scale - 1, 0, 2, height);
}

/* ---- sound ---- */

let gains = null;

function connectSound() {
  if (gains) return;
  const context = new AudioContext(), split = context.createChannelSplitter(2);
  context.createMediaElementSource(audio).connect(split);
  gains = [-0.3, 0.3].map((pan, channel) => {
    const gain = context.createGain(), place = new StereoPannerNode(context, { pan });
    split.connect(gain, channel);
    gain.connect(place).connect(context.destination);
    return gain;
  });
  setGains();
}

function setGains() {
  if (gains) ["you", "duo"].forEach((who, i) => (gains[i].gain.value = $("hear-" + who).ariaPressed === "true" ? 1 : 0));
}

function togglePlay() {
  connectSound();
  if (audio.paused) audio.play();
  else audio.pause();
}

function seek(second) {
  audio.currentTime = clamp(second, 0, story.seconds - 0.01);
  if (xOf(audio.currentTime) < 0 || xOf(audio.currentTime) > view.width) setView(audio.currentTime - 1, view.pps);
  follow();
}

function follow() {
  const x = xOf(audio.currentTime);
  if (!audio.paused && x > view.width * 0.85) setView(audio.currentTime - (view.width * 0.15) / view.pps, view.pps);
  drawOver();
  markTranscript();
  if (!audio.paused) requestAnimationFrame(follow);
}

/* ---- words below, and beside the pointer ---- */

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const KIND = { typed: "typed", text: "writes", call: "calls", task: "task" };

function writeTranscript() {
  $("transcript").innerHTML =
    story.phrases
      .map(([second, who, text]) => {
        const kind = KIND[who] ? `<small>${KIND[who]}</small>` : "";
        return `<li class="${who}" tabindex="0" data-at="${second}"><time>${clock(second)}</time><p>${kind}${escaped(text)}</p></li>`;
      })
      .join("") || '<li class="nothing">Nobody said a word.</li>';
}

function markTranscript() {
  let now = null;
  for (const item of document.querySelectorAll("#transcript li[data-at]")) {
    item.classList.remove("now");
    if (+item.dataset.at <= audio.currentTime + 0.05) now = item;
  }
  if (now && audio.currentTime > 0) now.classList.add("now");
}

function showTip(event) {
  const slot = Math.floor(secondAt(pointer.x) / story.turn_s), turn = story.turns[slot - 1];
  const from = slot * story.turn_s, tip = $("tip");
  if (from < 0 || from >= story.seconds) return (tip.hidden = true);
  const rows = [];
  const row = (name, text, tone = "") => text && rows.push(`<tr><th>${name}</th><td class="${tone}">${escaped(text)}</td></tr>`);
  if (turn) {
    row("heard", turn.heard, "you");
    row("said", turn.said, "duo");
    row("writes", turn.text, "duo");
    turn.calls.forEach((call) => row("calls", `${call.kind} ${call.text}`));
    turn.tasks.forEach((task) => row("task " + task.id, `${task.what} ${task.text}`));
    row("decides", turn.speak ? "speak" : "hush", turn.speak ? "duo" : "");
    row("compute", turn.compute_ms.toFixed(1) + " ms", turn.compute_ms > BUDGET_MS ? "late" : "");
  }
  story.typed.filter(([s]) => s >= from && s < from + story.turn_s).forEach(([, text]) => row("typed", text, "you"));
  const caption = turn ? `turn ${turn.turn}` : "before the first turn's end";
  tip.innerHTML = `<table><caption>${from.toFixed(1)}–${(from + story.turn_s).toFixed(1)} s · ${caption}</caption>${rows.join("")}</table>`;
  const shown = pictures.filter((p) => p.second <= from + story.turn_s - 1e-6).pop();
  if (shown && from - shown.second < 2) tip.append(shown.image.cloneNode());
  tip.hidden = false;
  const wide = tip.offsetWidth, tall = tip.offsetHeight;
  tip.style.left = (event.clientX + 18 + wide > innerWidth ? event.clientX - 18 - wide : event.clientX + 18) + "px";
  tip.style.top = clamp(event.clientY + 14, 6, innerHeight - tall - 6) + "px";
}

/* ---- hands ---- */

function onStage() {
  const stage = $("stage");
  let grip = null;
  const at = (event) => event.clientX - stage.getBoundingClientRect().left;
  stage.addEventListener("pointerdown", (e) => {
    grip = { x: at(e), start: view.start, moved: false };
    stage.setPointerCapture(e.pointerId);
  });
  stage.addEventListener("pointermove", (e) => {
    pointer = { x: at(e) };
    if (grip && Math.abs(pointer.x - grip.x) > 4) grip.moved = true;
    if (grip && grip.moved) setView(grip.start - (pointer.x - grip.x) / view.pps, view.pps);
    showTip(e);
    drawOver();
  });
  stage.addEventListener("pointerup", (e) => {
    if (grip && !grip.moved) seek(secondAt(at(e)));
    grip = null;
  });
  stage.addEventListener("pointerleave", () => {
    pointer = null;
    $("tip").hidden = true;
    drawOver();
  });
  stage.addEventListener("wheel", (e) => {
    if (e.ctrlKey || e.metaKey) zoom(Math.exp(-e.deltaY / 240), at(e));
    else if (Math.abs(e.deltaX) > Math.abs(e.deltaY) || e.shiftKey) setView(view.start + (e.deltaX || e.deltaY) / view.pps, view.pps);
    else return;
    e.preventDefault();
  }, { passive: false });
}

function onOverview() {
  const move = (e) => {
    if (!e.buttons) return;
    const box = $("overview").getBoundingClientRect();
    setView(((e.clientX - box.left) / box.width) * story.seconds - view.width / view.pps / 2, view.pps);
  };
  $("overview").addEventListener("pointerdown", (e) => { $("overview").setPointerCapture(e.pointerId); move(e); });
  $("overview").addEventListener("pointermove", move);
}

const KEYS = {
  " ": togglePlay,
  ArrowLeft: () => seek(audio.currentTime - story.turn_s),
  ArrowRight: () => seek(audio.currentTime + story.turn_s),
  Home: () => seek(0),
  "+": () => zoom(1.5),
  "=": () => zoom(1.5),
  "-": () => zoom(1 / 1.5),
};

function onControls() {
  $("play").onclick = togglePlay;
  $("in").onclick = () => zoom(1.6);
  $("out").onclick = () => zoom(1 / 1.6);
  $("fit").onclick = () => setView(0, wholePps());
  for (const who of ["you", "duo"])
    $("hear-" + who).onclick = (e) => {
      connectSound();
      e.target.ariaPressed = String(e.target.ariaPressed !== "true");
      setGains();
    };
  $("theme").onclick = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  $("transcript").onclick = (e) => {
    const item = e.target.closest("li[data-at]");
    if (item) seek(+item.dataset.at);
  };
  // after a click with the mouse, the space bar belongs to play again
  document.addEventListener("click", (e) => e.detail && e.target.closest("button")?.blur());
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "Enter" && e.target.dataset.at) return seek(+e.target.dataset.at);
    if (!KEYS[e.key] || (e.key === " " && e.target.tagName === "BUTTON")) return;
    e.preventDefault();
    KEYS[e.key]();
  });
  for (const name of ["play", "pause", "ended"])
    audio.addEventListener(name, () => {
      $("play").classList.toggle("on", !audio.paused);
      $("play").ariaLabel = audio.paused ? "Play" : "Pause";
      follow();
    });
  audio.addEventListener("seeked", follow);
}

/* ---- start ---- */

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readColours();
  resize();
}

function sharpen(canvas, width, height) {
  const dots = devicePixelRatio || 1;
  canvas.width = width * dots;
  canvas.height = height * dots;
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  canvas.getContext("2d").setTransform(dots, 0, 0, dots, 0, 0);
}

function resize() {
  const whole = view.pps <= wholePps() * 1.001; // what was shown whole stays whole
  view.width = $("stage").clientWidth;
  view.height = lanes.reduce((sum, lane) => sum + lane.height, 0);
  sharpen($("base"), view.width, view.height);
  sharpen($("over"), view.width, view.height);
  const dots = devicePixelRatio || 1;
  $("overview").width = $("overview").clientWidth * dots;
  $("overview").height = $("overview").clientHeight * dots;
  small = null;
  lanes.filter((lane) => lane.words).forEach(placeWords);
  setView(view.start, whole ? wholePps() : view.pps);
}

function writeGutter() {
  let y = 0;
  for (const lane of lanes) {
    const top = lane.words ? y + 6 : y + Math.max(4, lane.height / 2 - 19);
    if (lane.name !== undefined)
      $("gutter").insertAdjacentHTML(
        "beforeend",
        `<div class="${lane.tone || ""}" style="top:${top}px"><b>${lane.name}</b><span>${lane.note || ""}</span></div>`,
      );
    y += lane.height;
  }
}

function writeFacts() {
  const spokenPart = story.turns.filter((t) => t.speak).length / Math.max(1, story.turns.length);
  const facts = [
    `<b>${clock(story.seconds)}</b>`,
    `<b>${story.turns.length}</b> turns`,
    `Duo speaks in <b>${Math.round(100 * spokenPart)} %</b>`,
    `compute p50 <b>${story.compute_ms.p50} ms</b>, p99 <b>${story.compute_ms.p99} ms</b>`,
  ];
  $("facts").innerHTML = facts.join(" · ");
  $("total").textContent = "of " + clock(story.seconds);
}

writeGutter();
writeFacts();
writeTranscript();
onStage();
onOverview();
onControls();
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
if (wholePps() < 60) setView(0, 90);
addEventListener("resize", resize);
