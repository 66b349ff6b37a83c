/* What both sides said, as text, joined into lines the way people read them. Read `Captions.add` first. */

import { clock } from "./lanes.js";
import { TURN_S } from "./story.js";

const PAUSE_S = 5 * TURN_S; // words of one side that are closer than this make one line
const SIDE = { heard: "you", typed: "you", said: "duo", text: "duo", call: "other" };
const SAYS = { typed: "typed", text: "writes", call: "calls" };
const MOST = 400; // lines on the page; the timeline and the download have all

export class Captions {
  constructor(list) {
    this.list = list;
    this.clear();
  }

  clear() {
    this.list.replaceChildren();
    this.open = {}; // by kind: {words, until} of the line that may still grow
  }

  /* `kind` is heard, said, text, typed or call. */
  add(kind, text, second) {
    const open = this.open[kind],
      fixed = kind === "typed" || kind === "call";
    const stays = this.atFoot();
    if (open && !fixed && second - open.until <= PAUSE_S) open.words.textContent += " " + text;
    else this.open[kind] = { words: this.line(kind, text, second) };
    this.open[kind].until = second;
    if (this.list.children.length > MOST) this.list.firstChild.remove();
    if (stays) this.list.scrollTop = this.list.scrollHeight;
  }

  line(kind, text, second) {
    const item = document.createElement("li"),
      time = document.createElement("time"),
      words = document.createElement("p");
    item.className = `${SIDE[kind]} ${kind}`;
    item.dataset.at = second;
    time.textContent = clock(second);
    words.textContent = text;
    item.append(time, who(kind), words);
    this.list.append(item);
    return words;
  }

  note(text) {
    const item = document.createElement("li");
    item.className = "gap";
    item.textContent = text;
    this.open = {};
    this.list.append(item);
    this.list.scrollTop = this.list.scrollHeight;
  }

  atFoot() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
  }
}

function who(kind) {
  const name = document.createElement("b");
  name.textContent = SIDE[kind] === "you" ? "you" : "Duo";
  if (SAYS[kind]) name.textContent += " " + SAYS[kind];
  return name;
}
