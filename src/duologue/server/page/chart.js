/* Bars, lines, areas and points as SVG: the part of Vega-Lite that agent/ui.py lets through. Read `chart` first. */

const WIDTH = 320,
  HEIGHT = 190,
  LEFT = 44,
  FOOT = 26,
  TOP = 8,
  RIGHT = 6;
const TONES = ["you", "duo", "other", "soft"];

/* An SVG element for a spec with `mark`, `x`, `y` and perhaps `color`; values that are no numbers are left out. */
export function chart(spec, values) {
  const rows = values.filter((row) => row && Number.isFinite(Number(row[spec.y.field])));
  const svg = make("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `${spec.mark} chart of ${spec.y.field} by ${spec.x.field}`,
  });
  if (!rows.length) return svg;
  const y = upright(rows.map((row) => Number(row[spec.y.field]))),
    x = along(spec.x, rows);
  svg.append(...y.rules, ...x.names);
  const groups = Map.groupBy(rows, (row) => (spec.color ? row[spec.color.field] : ""));
  [...groups.values()].forEach((group, i) =>
    svg.append(...MARKS[spec.mark](points(group, spec, x, y), x, y, i, groups.size)),
  );
  return svg;
}

function make(tag, attributes, words) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (words !== undefined) element.textContent = String(words).slice(0, 24);
  return element;
}

function points(group, spec, x, y) {
  return group.map((row) => [x.at(row[spec.x.field]), y.at(Number(row[spec.y.field]))]);
}

/* The value axis: from zero, with three to five round rules. */
function upright(numbers) {
  const low = Math.min(0, ...numbers),
    high = Math.max(0, ...numbers) || 1,
    rough = (high - low) / 4,
    ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= rough),
    rules = [];
  const at = (value) => HEIGHT - FOOT - ((value - low) / (high - low)) * (HEIGHT - FOOT - TOP);
  for (let n = Math.ceil(low / step); n * step <= high; n++) {
    rules.push(
      make("line", {
        x1: LEFT,
        x2: WIDTH - RIGHT,
        y1: at(n * step),
        y2: at(n * step),
        class: n ? "rule" : "rule zero",
      }),
    );
    rules.push(
      make("text", { x: LEFT - 6, y: at(n * step) + 4, "text-anchor": "end" }, Number((n * step).toPrecision(6))),
    );
  }
  return { at, rules };
}

/* The other axis: numbers to scale, names side by side in their order. */
function along(axis, rows) {
  const all = [...new Set(rows.map((row) => row[axis.field]))],
    wide = WIDTH - LEFT - RIGHT;
  const low = Math.min(...all),
    span = Math.max(...all) - low,
    scaled = axis.type === "quantitative" && span > 0;
  const step = wide / all.length,
    at = (value) => LEFT + (scaled ? 6 + ((value - low) / span) * (wide - 12) : (all.indexOf(value) + 0.5) * step);
  const every = Math.ceil(all.length / 7),
    named = all.filter((_, i) => i % every === 0);
  const names = named.map((value) => make("text", { x: at(value), y: HEIGHT - 8, "text-anchor": "middle" }, value));
  return { at, names, step: scaled ? 14 : step };
}

export const isMark = (mark) => Object.hasOwn(MARKS, mark ?? "");

const path = (places) => places.map(([x, y], i) => `${i ? "L" : "M"}${x},${y}`).join("");
const tone = (i) => TONES[i % TONES.length];

const MARKS = {
  bar(places, x, y, i, groups) {
    const width = (x.step * 0.7) / groups,
      zero = y.at(0);
    const left = (at) => at - x.step * 0.35 + i * width;
    return places.map(([at, top]) =>
      make("rect", {
        x: left(at),
        width,
        y: Math.min(top, zero),
        height: Math.abs(zero - top),
        rx: 2,
        class: `fill ${tone(i)}`,
      }),
    );
  },
  line: (places, x, y, i) => [make("path", { d: path(places), class: `line ${tone(i)}` })],
  area(places, x, y, i) {
    const ground = `L${places.at(-1)[0]},${y.at(0)}L${places[0][0]},${y.at(0)}Z`;
    return [make("path", { d: path(places) + ground, class: `wash ${tone(i)}` }), ...MARKS.line(places, x, y, i)];
  },
  point: (places, x, y, i) => places.map(([cx, cy]) => make("circle", { cx, cy, r: 3.5, class: `fill ${tone(i)}` })),
};
