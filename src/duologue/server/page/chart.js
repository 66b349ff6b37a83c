/* Bars, lines, areas and points as SVG: the part of Vega-Lite that agent/ui.py lets through. Read `chart` first. */

import { moment, ticks } from "./moments.js";

const WIDTH = 320,
  HEIGHT = 196,
  LEFT = 44,
  FOOT = 34,
  TOP = 8,
  RIGHT = 14,
  WIDE = WIDTH - LEFT - RIGHT;
const TONES = ["you", "duo", "other", "soft"];
const DASHES = ["none", "7 3", "2 3", "8 3 2 3"];
const SHAPES = [
  "M-3.5 0a3.5 3.5 0 1 0 7 0 3.5 3.5 0 1 0-7 0",
  "M-3.2-3.2H3.2V3.2H-3.2Z",
  "M0-4.4 4.4 0 0 4.4-4.4 0Z",
  "M0-4 4 3.4H-4Z",
];
const MOST_NAMED = 12; // groups

/* The elements for a spec with `mark`, `x`, `y` and perhaps `color`: the picture, and before it a legend of the colours.
   Values that are no numbers, or have no place on an axis that is to scale, are left out. */
export function chart(spec, values) {
  const scale = scaleOf(spec.x, values),
    on = (row) => !scale || Number.isFinite(scale(row[spec.x.field]));
  const rows = values.filter((row) => row && Number.isFinite(number(row[spec.y.field])) && on(row));
  if (scale) rows.sort((a, b) => scale(a[spec.x.field]) - scale(b[spec.x.field]));
  const groups = Map.groupBy(rows, (row) => (spec.color ? row[spec.color.field] : ""));
  return [...(spec.color && rows.length ? [legend(spec, [...groups.keys()])] : []), picture(spec, rows, scale, groups)];
}

function picture(spec, rows, scale, groups) {
  const svg = make("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `${spec.mark} chart of ${spec.y.field} by ${spec.x.field}`,
  });
  if (!rows.length) return svg;
  const y = upright(rows.map((row) => number(row[spec.y.field]))),
    x = scale ? toScale(spec.x, rows, scale) : sideBySide(spec.x, rows);
  svg.append(...y.rules, ...x.names);
  [...groups.values()].forEach((group, i) =>
    svg.append(...MARKS[spec.mark](points(group, spec, x, y), x, y, i, i, groups.size)),
  );
  return svg;
}

/* What each colour stands for, each name beside a sample of its mark. */
function legend(spec, names) {
  const list = document.createElement("ul"),
    places = { bar: [[11, 1]], point: [[11, 6]] }[spec.mark] ?? [1, 21].map((x) => [x, spec.mark === "area" ? 2 : 6]);
  list.className = "key";
  list.ariaLabel = spec.color.title ?? spec.color.field;
  for (const [i, name] of names.slice(0, MOST_NAMED).entries()) {
    const sample = make("svg", { viewBox: "0 0 22 12", "aria-hidden": true });
    sample.append(...MARKS[spec.mark](places, { step: 16 }, { at: () => 11 }, i, 0, 1));
    list.append(document.createElement("li"));
    list.lastChild.append(sample, String(name ?? "none").slice(0, 40));
  }
  if (names.length > MOST_NAMED) list.append(`and ${names.length - MOST_NAMED} more`);
  return list;
}

function make(tag, attributes, words) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (words !== undefined) element.textContent = String(words).slice(0, 24);
  return element;
}

const number = (value) => (value === null || value === "" ? NaN : Number(value));

function points(group, spec, x, y) {
  return group.map((row) => [x.at(row[spec.x.field]), y.at(number(row[spec.y.field]))]);
}

/* Three to six round numbers from the lowest to the highest. */
function rounds(low, high) {
  const rough = (high - low) / 5,
    ten = 10 ** Math.floor(Math.log10(rough)),
    step = [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= rough),
    first = Math.ceil(low / step),
    count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

/* The value axis, from zero. */
function upright(numbers) {
  const low = Math.min(0, ...numbers),
    high = Math.max(0, ...numbers) || 1;
  const at = (value) => HEIGHT - FOOT - ((value - low) / (high - low)) * (HEIGHT - FOOT - TOP);
  const rules = rounds(low, high).flatMap((n) => [
    make("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: at(n), y2: at(n), class: n ? "rule" : "rule zero" }),
    make("text", { x: LEFT - 6, y: at(n) + 4, "text-anchor": "end" }, n),
  ]);
  return { at, rules };
}

/* ---- the other axis ---- */

/* How to read its values as places, if two at least have different ones; otherwise they are names. */
function scaleOf(axis, values) {
  const scale = { quantitative: number, temporal: moment }[axis.type],
    places = new Set(values.map((row) => scale?.(row?.[axis.field])).filter(Number.isFinite));
  return places.size > 1 ? scale : null;
}

/* Numbers and moments, with round ones named. A bar may be as wide as the narrowest gap. */
function toScale(axis, rows, scale) {
  const places = [...new Set(rows.map((row) => scale(row[axis.field])))],
    low = places[0],
    high = places.at(-1),
    gap = Math.min(...places.slice(1).map((place, i) => (place - places[i]) / (high - low)));
  const step = Math.min(40, (WIDE * gap) / (1 + gap)),
    edge = Math.max(6, step / 2),
    on = (place) => LEFT + edge + ((place - low) / (high - low)) * (WIDE - 2 * edge);
  const round = axis.type === "temporal" ? ticks(low, high) : rounds(low, high).map((at) => ({ at, name: at }));
  const names = round.flatMap(({ at, name, under }) => label(on(at), name, under));
  return { at: (value) => on(scale(value)), step, names };
}

/* Names in their order. */
function sideBySide(axis, rows) {
  const all = [...new Set(rows.map((row) => row[axis.field]))],
    step = WIDE / all.length,
    at = (value) => LEFT + (all.indexOf(value) + 0.5) * step,
    every = Math.ceil(all.length / 7);
  return { at, step, names: all.filter((_, i) => i % every === 0).flatMap((value) => label(at(value), value)) };
}

function label(x, name, under = "") {
  const lines = [name, under].filter((words) => words !== "");
  return lines.map((words, i) => make("text", { x, y: HEIGHT - FOOT + 15 + 12 * i, "text-anchor": "middle" }, words));
}

export const isMark = (mark) => Object.hasOwn(MARKS, mark ?? "");

const path = (places) => places.map(([x, y], i) => `${i ? "L" : "M"}${x},${y}`).join("");
const tone = (i) => TONES[i % TONES.length];
const other = (list, i) => list[(i + Math.floor(i / TONES.length)) % list.length]; // a tone comes back in another form

/* Each makes the elements of one group: its places, both axes, which look it has, and which slot of how many. */
const MARKS = {
  bar(places, x, y, look, slot, slots) {
    const width = Math.max(1, (x.step * 0.7) / slots),
      zero = y.at(0),
      kind = look < TONES.length ? "fill" : "line";
    return places.map(([at, top]) =>
      make("rect", {
        x: at - x.step * 0.35 + slot * width,
        width,
        y: Math.min(top, zero),
        height: Math.abs(zero - top),
        rx: Math.min(2, width / 4),
        class: `${kind} ${tone(look)}`,
      }),
    );
  },
  line: (places, x, y, look) => [
    make("path", { d: path(places), class: `line ${tone(look)}`, "stroke-dasharray": other(DASHES, look) }),
  ],
  area(places, x, y, look) {
    const ground = `L${places.at(-1)[0]},${y.at(0)}L${places[0][0]},${y.at(0)}Z`;
    return [make("path", { d: path(places) + ground, class: `wash ${tone(look)}` }), ...MARKS.line(places, x, y, look)];
  },
  point: (places, x, y, look) =>
    places.map(([at, top]) =>
      make("path", { d: other(SHAPES, look), transform: `translate(${at} ${top})`, class: `fill ${tone(look)}` }),
    ),
};
