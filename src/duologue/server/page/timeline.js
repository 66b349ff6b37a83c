/* The live timeline: a canvas that follows the present until somebody looks back. Read `frame` first. */

import { clock, drawGrid, lanes } from "./lanes.js";
import { Overview } from "./overview.js";
import { TURN_S } from "./story.js";
import { drawLegend, stands } from "./tasks.js";

const COLOURS = "card ink soft faint hair you you-wash duo duo-wash other other-wash late late-wash".split(" ");
const LEAST_PPS = 6,
  MOST_PPS = 400; // pixels a second
const PRESENT = 0.94; // where the present lies on the canvas while it is followed

/* Which seconds are seen: from `start` on, `pps` pixels each. */
class View {
  start = 0;
  pps = innerWidth < 640 ? 60 : 96;
  width = 0;
  height = 0;

  get end() {
    return this.start + this.width / this.pps;
  }

  x(second) {
    return (second - this.start) * this.pps;
  }

  second(x) {
    return this.start + x / this.pps;
  }
}

export class Timeline {
  /* `parts` are the elements stage, gutter, canvas, overview, legend, tip, spoken, back; `onSeek(second)` is called when
     somebody points at a moment. */
  constructor(parts, onSeek) {
    Object.assign(this, parts);
    this.onSeek = onSeek;
    this.pen = this.canvas.getContext("2d");
    this.view = new View();
    this.strip = new Overview(this.overview, (second) => this.look(second - this.view.width / this.view.pps / 2));
    this.follows = true;
    this.cursor = null; // second that was pointed at
    this.hands();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
  }

  show(story) {
    this.story = story;
    this.lanes = [];
    this.cursor = null;
    this.follow();
    this.repaint();
  }

  repaint() {
    this.colours = Object.fromEntries(COLOURS.map((name) => [name, this.resolved(name)]));
    drawLegend(this.legend, this.colours);
    this.resize();
  }

  /* A colour of the style sheet as the canvas wants it: light or dark is settled. */
  resolved(name) {
    this.tip.style.color = `var(--${name})`;
    const { color } = getComputedStyle(this.tip);
    this.tip.style.color = "";
    return color;
  }

  /* Draws what is on the sheet now; called for every frame of the screen. */
  frame() {
    if (!this.story) return;
    this.relane();
    if (this.follows) this.place(this.story.now - (PRESENT * this.view.width) / this.view.pps);
    const sheet = { pen: this.pen, view: this.view, colours: this.colours, story: this.story };
    this.pen.clearRect(0, 0, this.view.width, this.view.height);
    drawGrid(sheet);
    let y = 0;
    for (const lane of this.lanes) {
      lane.draw(sheet, y, lane.height);
      y += lane.height;
    }
    this.drawHand(this.story.now, this.colours.ink, 1.5);
    if (this.cursor !== null) this.drawHand(this.cursor, this.colours.you, 1);
    this.strip.draw(this.story, this.view, this.colours);
  }

  drawHand(second, colour, width) {
    const x = this.view.x(second);
    this.pen.fillStyle = colour;
    this.pen.fillRect(x - width / 2, 20, width, this.view.height - 20);
    this.pen.beginPath();
    this.pen.arc(x, 20, 3 + width, 0, 7);
    this.pen.fill();
  }

  /* ---- where we look ---- */

  /* Starts at a whole dot of the screen, so that scrolling moves the picture and does not redraw it differently. */
  place(start) {
    const dots = this.view.pps * (devicePixelRatio || 1);
    this.view.start = Math.round(Math.max(0, start) * dots) / dots;
  }

  look(start) {
    this.follows = false;
    this.back.hidden = false;
    this.place(Math.min(start, this.story.now - 1));
  }

  follow() {
    this.follows = true;
    this.back.hidden = true;
    this.cursor = null;
    this.tip.hidden = true;
  }

  zoom(factor, x = this.view.width * PRESENT) {
    const held = this.view.second(x);
    this.view.pps = Math.min(MOST_PPS, Math.max(LEAST_PPS, this.view.pps * factor));
    if (!this.follows) this.place(held - x / this.view.pps);
  }

  seek(second) {
    this.cursor = Math.min(this.story.now, Math.max(0, second));
    if (this.cursor < this.view.start || this.cursor > this.view.end)
      this.look(this.cursor - this.view.width / this.view.pps / 2);
    else this.look(this.view.start);
    this.spoken.textContent = this.describe(this.cursor);
    this.onSeek(this.cursor);
  }

  /* One moment in words, for the tip and for those who do not see the canvas. */
  describe(second) {
    const slot = Math.floor(second / TURN_S + 1e-6),
      turn = this.story.turns[slot - 1];
    const typed = this.story.words.typed.find(([s]) => Math.floor(s / TURN_S) === slot)?.[1];
    const facts = [`${clock(slot * TURN_S, 1)}`];
    if (typed) facts.push(`typed “${typed}”`);
    if (turn?.heard) facts.push(`heard “${turn.heard}”`);
    if (turn?.said) facts.push(`says “${turn.said}”`);
    if (turn?.text) facts.push(`writes “${turn.text}”`);
    if (turn)
      facts.push(turn.speak ? "speak" : "hush", `tick ${turn.compute_ms.toFixed(0)} ms${turn.late ? ", late" : ""}`);
    const tasks = this.story.tasks.map((task) => stands(task, second)).filter(Boolean);
    return [...facts, ...tasks].join(" · ");
  }

  showTip(event) {
    const box = this.stage.getBoundingClientRect(),
      x = event.clientX - box.left;
    this.tip.textContent = this.describe(this.view.second(x));
    this.tip.hidden = false;
    this.tip.style.left = Math.max(4, Math.min(x + 14, box.width - this.tip.offsetWidth - 4)) + "px";
    this.tip.style.top = Math.min(event.clientY - box.top + 16, box.height - this.tip.offsetHeight) + "px";
  }

  /* ---- hands ---- */

  hands() {
    let grip = null;
    this.stage.addEventListener("pointerdown", (e) => {
      grip = { x: e.clientX, start: this.view.start, moved: false };
      this.stage.setPointerCapture(e.pointerId);
    });
    this.stage.addEventListener("pointermove", (e) => {
      if (!this.story) return;
      if (grip && Math.abs(e.clientX - grip.x) > 4) grip.moved = true;
      if (grip?.moved) this.look(grip.start - (e.clientX - grip.x) / this.view.pps);
      this.showTip(e);
    });
    this.stage.addEventListener("pointerup", (e) => {
      if (grip && !grip.moved && this.story)
        this.seek(this.view.second(e.clientX - this.stage.getBoundingClientRect().left));
      grip = null;
    });
    this.stage.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.stage.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    this.stage.addEventListener("keydown", (e) => this.key(e));
    this.back.addEventListener("click", () => this.follow());
  }

  wheel(event) {
    if (!this.story) return;
    if (event.ctrlKey || event.metaKey)
      this.zoom(Math.exp(-event.deltaY / 240), event.clientX - this.stage.getBoundingClientRect().left);
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey)
      this.look(this.view.start + (event.deltaX || event.deltaY) / this.view.pps);
    else return;
    event.preventDefault();
  }

  key(event) {
    const from = this.cursor ?? this.story?.now;
    const moves = { ArrowLeft: -TURN_S, ArrowRight: TURN_S, PageUp: -5, PageDown: 5, Home: -Infinity };
    if (from === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) this.seek(from + moves[event.key]);
    else if (event.key === "End") this.follow();
    else if (event.key === "+" || event.key === "=") this.zoom(1.4);
    else if (event.key === "-") this.zoom(1 / 1.4);
    else return;
    event.preventDefault();
  }

  /* ---- size ---- */

  resize() {
    const dots = devicePixelRatio || 1;
    const { view, canvas } = this;
    view.width = this.stage.clientWidth;
    view.height = (this.lanes ?? []).reduce((sum, lane) => sum + lane.height, 0) || view.height;
    Object.assign(canvas, { width: view.width * dots, height: view.height * dots });
    canvas.style.height = view.height + "px";
    this.pen.setTransform(dots, 0, 0, dots, 0, 0);
    this.strip.resize();
  }

  /* Lanes come when there is something to show in them. */
  relane() {
    const wanted = lanes(this.story, this.view.width < 520, innerHeight < 900),
      names = wanted.map((lane) => lane.name + lane.height).join();
    if (names === this.laned) return;
    this.laned = names;
    this.lanes = wanted;
    this.gutter.replaceChildren(...this.labels());
    this.legend.hidden = !this.story.tasks.length;
    this.resize();
  }

  labels() {
    let y = 0;
    return this.lanes.map((lane) => {
      const label = document.createElement("div"),
        name = document.createElement("b"),
        note = document.createElement("span");
      [name.textContent, note.textContent] = [lane.name ?? "", lane.note ?? ""];
      label.className = lane.tone ?? "";
      label.style.top = y + (lane.name ? Math.max(2, lane.height / 2 - 17) : 6) + "px";
      label.append(...(lane.name ? [name, note] : [note]));
      y += lane.height;
      return label;
    });
  }
}
