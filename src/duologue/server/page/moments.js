/* Moments on an axis: what counts as one, and the round ones between two of them, with their names. Read `ticks` first. */

const MOST = 5; // steps between two moments
const YEAR = 0,
  MONTH = 1,
  DAY = 2,
  HOUR = 3,
  MINUTE = 4,
  SECOND = 5;
const MS = [31_556_952_000, 2_629_746_000, 86_400_000, 3_600_000, 60_000, 1000]; // of each unit
const ROUND = [
  [SECOND, 1, 2, 5, 10, 30],
  [MINUTE, 1, 2, 5, 10, 30],
  [HOUR, 1, 2, 3, 6, 12],
  [DAY, 1, 2, 7, 14],
  [MONTH, 1, 2, 3, 6],
  [YEAR, 1, 2, 5, 10, 20, 50, 100, 1000, 10_000, 100_000],
];
const STEPS = ROUND.flatMap(([unit, ...counts]) => counts.map((count) => [unit, count]));
const TIME = { hour: "2-digit", minute: "2-digit" };
const NAMES = [{ year: "numeric" }, { month: "short" }, { day: "numeric", month: "short" }, TIME, TIME];
const UNDER = [null, { year: "numeric" }, { year: "numeric" }]; // the larger unit, told where it changes
const DATE = { day: "numeric", month: "short" };

/* Milliseconds since 1970, or NaN: dates and times as text (ISO 8601) or those milliseconds. What has no hour is meant
   where the reader is, not in Greenwich. */
export function moment(value) {
  if (typeof value !== "string" && typeof value !== "number") return NaN;
  return new Date(/^\d{4}(-\d\d){0,2}$/.test(value) && typeof value === "string" ? `${value}T00:00` : value).getTime();
}

/* Round moments from `low` to `high`: {at, name, under}, where `under` is the day or year that begins there, or "". */
export function ticks(low, high) {
  const [unit, count] = STEPS.find(([unit, count]) => (high - low) / (count * MS[unit]) <= MOST) ?? STEPS.at(-1),
    parts = floor(new Date(low), unit, count),
    found = [];
  for (let at; (at = new Date(...parts).getTime()) <= high; parts[unit] += count) if (at >= low) found.push(at);
  const under = found.map((at) => told(at, unit in UNDER ? UNDER[unit] : DATE));
  return found.map((at, i) => ({
    at,
    name: told(at, NAMES[unit] ?? { ...TIME, second: "2-digit" }),
    under: under[i] === under[i - 1] ? "" : under[i],
  }));
}

/* Year, month, day, … of the last round moment before; a week begins on Monday. */
function floor(date, unit, count) {
  const parts = [date.getFullYear(), date.getMonth(), date.getDate()];
  parts.push(date.getHours(), date.getMinutes(), date.getSeconds());
  for (let i = unit + 1; i < parts.length; i++) parts[i] = i === DAY ? 1 : 0;
  if (unit !== DAY) parts[unit] -= parts[unit] % count;
  else if (count >= 7) parts[DAY] -= (date.getDay() + 6) % 7;
  return parts;
}

const told = (at, format) => (format ? new Intl.DateTimeFormat("en-GB", format).format(at) : "");
