/* Draws what the background side wants shown (agent/ui.py): cards, tables, charts, timers, forms, images, from plain
   data. Text is set as text, never as markup; nothing in a spec is run, fetched or followed. Read `draw` first. */

import { chart, isMark } from "./chart.js";
import { clock } from "./lanes.js";

const MOST_TEXT = 4000,
  MOST_ROWS = 500,
  MOST_COLUMNS = 20,
  MOST_FIELDS = 12,
  MOST_BUTTONS = 6;
const PICTURE = /^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+$/;
const MOST_PICTURE = 400_000; // letters

/* The element for a spec; what cannot be drawn becomes a line that says so. `click(text)` is called for what the user
   does, with the text of its note: "form-1 send: city paris; nights 3". */
export function draw(spec, click) {
  const kinds = { card, table, chart: graph, timer, form, image };
  const known = Object.hasOwn(kinds, spec?.kind ?? "") ? spec.kind : "unknown";
  const parts = (kinds[known] ?? unknown)(spec, (element, values = "") =>
    click(`${spec.id} ${element}${values && `: ${values}`}`),
  );
  const title = spec?.title ? [make("h3", { textContent: text(spec.title) })] : [];
  return make("section", { className: `shown ${known}`, ariaLabel: text(spec?.title || known) }, ...title, ...parts);
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const text = (value) => String(value ?? "").slice(0, MOST_TEXT);
const list = (value, most) => (Array.isArray(value) ? value.slice(0, most) : []);

function unknown(spec) {
  const what = spec?.kind ? `a “${text(spec.kind).slice(0, 40)}”` : "that";
  return [make("p", { textContent: `This page cannot draw ${what}.` })];
}

function card(spec, did) {
  const paragraphs = text(spec.text)
    .split(/\n{2,}/)
    .filter(Boolean)
    .map((line) => make("p", { textContent: line }));
  const buttons = list(spec.buttons, MOST_BUTTONS).map((name) =>
    make("button", { type: "button", textContent: text(name), onclick: () => did(text(name)) }),
  );
  return [...paragraphs, ...(buttons.length ? [make("div", { className: "buttons" }, ...buttons)] : [])];
}

function table(spec) {
  const number = (value) => (typeof value === "number" ? "number" : "");
  const row = (cells, tag) =>
    make(
      "tr",
      {},
      ...list(cells, MOST_COLUMNS).map((value) => make(tag, { textContent: text(value), className: number(value) })),
    );
  const rows = list(spec.rows, MOST_ROWS),
    head = row(spec.columns, "th");
  [...head.children].forEach((cell, i) => (cell.className = number(rows[0]?.[i])));
  const body = make("tbody", {}, ...rows.map((cells) => row(cells, "td")));
  return [make("div", { className: "scroll", tabIndex: 0 }, make("table", {}, make("thead", {}, head), body))];
}

/* The picture, and for those who do not see it the numbers. */
function graph(spec) {
  if (!spec.x?.field || !spec.y?.field || !isMark(spec.mark)) return unknown(spec);
  const axes = [spec.x, spec.y, spec.color].filter(Boolean),
    rows = list(spec.values, MOST_ROWS);
  const numbers = table({
    columns: axes.map((axis) => axis.title ?? axis.field),
    rows: rows.map((row) => axes.map((axis) => row?.[axis.field])),
  });
  return [...chart(spec, rows), make("details", {}, make("summary", { textContent: "numbers" }), ...numbers)];
}

function timer(spec, did) {
  const total = Math.min(86_400, Math.max(0, Number(spec.seconds) || 0)),
    ends = performance.now() + 1000 * total;
  const face = make("div", { className: "face", textContent: clock(total), role: "timer" }),
    bar = make("progress", { max: total || 1, value: total });
  const halt = make("button", { type: "button", textContent: "stop" }),
    beat = setInterval(tick, 200);
  const stop = (element) => (clearInterval(beat), halt.remove(), face.isConnected && did(element));
  function tick() {
    bar.value = Math.max(0, (ends - performance.now()) / 1000);
    face.textContent = bar.value ? clock(Math.ceil(bar.value)) : "time is up";
    if (!bar.value || !face.isConnected) stop("over");
  }
  halt.onclick = () => stop("stop");
  return [face, bar, make("div", { className: "buttons" }, halt)];
}

function form(spec, did) {
  const fields = list(spec.fields, MOST_FIELDS).filter(Boolean).map(field),
    send = make("button", { type: "submit", textContent: "send" });
  const sheet = make("form", { autocomplete: "off" }, ...fields, send);
  sheet.addEventListener("submit", (event) => {
    event.preventDefault();
    did("send", [...new FormData(sheet)].map(([name, value]) => `${name} ${value.trim()}`).join("; "));
    sheet.querySelectorAll("input, select, button").forEach((part) => (part.disabled = true));
    send.textContent = "sent";
  });
  return [sheet];
}

function field({ name, label, kind, choices }) {
  const offered = kind === "yes or no" ? ["yes", "no"] : list(choices, MOST_FIELDS * 3);
  const input = offered.length
    ? make("select", {}, ...offered.map((choice) => make("option", { textContent: text(choice) })))
    : make("input", { type: kind === "number" ? "number" : "text", step: "any", maxLength: 200 });
  input.name = text(name);
  return make("label", {}, make("span", { textContent: text(label ?? name) }), input);
}

function image(spec) {
  if (typeof spec.data !== "string" || spec.data.length > MOST_PICTURE || !PICTURE.test(spec.data))
    return [make("p", { textContent: "This picture is not drawn: it must come as data, as PNG, JPEG, WebP or GIF." })];
  return [make("img", { src: spec.data, alt: text(spec.description ?? spec.title) })];
}
