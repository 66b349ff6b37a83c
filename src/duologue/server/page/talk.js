/* One talk: the wire, both ways of sound, the camera, and the story they write. Read `Talk.begin` first. */

import { Camera } from "./camera.js";
import { Microphone, Player } from "./sound.js";
import { Story, TURN_S } from "./story.js";
import { Wire } from "./wire.js";

const REPORT_SAMPLES = 4800; // of played sound between two acknowledgements: 200 ms
const ALIGN_TURNS = 25; // so many first turns set the clock

export class Talk {
  story = new Story();
  microphone = new Microphone();
  player = new Player();
  started = false;
  muted = false;
  replaying = false;
  held = true; // push to talk: pressed, or not in use

  /* `page` has a function for each of: state(name, reason), started(duologue), turn(turn), shown(id, spec), gap(s). */
  constructor(video, page) {
    this.page = page;
    this.camera = new Camera(video);
    this.acknowledged = { position: 0, skipped: 0 };
  }

  /* Opens sound both ways and the session. `patience` shifts the decision's logit, `key` is the server's or empty. */
  async begin(patience, key) {
    // side by side: both must be asked for while the click that began it all still counts
    await Promise.all([
      this.player.open((report) => this.played(report)),
      this.microphone.open((packet) => this.heard(packet)),
    ]);
    const url = new URL("/v1/live/sessions", location);
    url.protocol = url.protocol.replace("http", "ws");
    this.wire = new Wire(url, key, {
      state: (name, reason) => this.turnedOut(name, reason),
      turn: (turn) => this.took(turn),
      sound: (pcm, start) => this.player.push(pcm, start),
      task: (task, second) => this.story.task(task, second),
      gap: (from, to, reason) => reason === "behind" && this.story.gaps.push([from, to]),
      shown: (id, spec) => this.page.shown(id, spec),
      started: (duologue) => {
        this.started = true;
        this.story.zero = performance.now();
        this.page.started(duologue);
      },
    });
    this.wire.open(patience);
    new Audio(new URL("machine.ogg", import.meta.url)).play().catch(() => {}); // a server that says it otherwise has none
  }

  /* ---- out ---- */

  heard({ pcm, end }) {
    if (!this.started || this.story.end !== null) return;
    this.story.you.append(pcm, end, this.story.now);
    this.wire.hear(pcm);
  }

  say(text) {
    this.story.typed(text);
    this.wire.read(text);
  }

  answer(text) {
    this.story.typed(text);
    this.wire.read(text, "ui");
  }

  async look(deviceId) {
    await this.camera.open(deviceId, (jpeg) => {
      this.story.showed(jpeg);
      this.wire.see(jpeg);
    });
  }

  mute(muted) {
    this.muted = muted;
    this.wire.mute(muted);
    this.setGate();
  }

  hold(held) {
    this.held = held;
    this.setGate();
  }

  /* While the past is played again, the model does not hear it. */
  replay(replaying) {
    this.replaying = replaying;
    this.setGate();
  }

  setGate() {
    this.microphone.closed = this.muted || !this.held || this.replaying;
  }

  /* ---- in ---- */

  took(turn) {
    const { turns } = this.story;
    if (turn.turn < ALIGN_TURNS) this.align(turn);
    if (!turn.speak && turns[turn.turn - 1]?.speak) this.player.cut();
    this.story.took(turn);
    this.page.turn(turn);
  }

  /* Turn k's input ended at (k + 1) turns; the quickest of the first turns tells when the clock began. */
  align({ compute_ms, turn }) {
    const began = performance.now() - compute_ms - 1000 * (turn + 1) * TURN_S;
    this.story.zero = turn ? Math.min(this.story.zero, began) : began;
  }

  played({ pcm, end, position, skipped, queued }) {
    if (!this.started || this.story.end !== null) return;
    this.story.duo.append(pcm, end, this.story.now);
    this.queued = queued;
    this.acknowledged.skipped += skipped;
    if (position - this.acknowledged.position < REPORT_SAMPLES && !skipped) return;
    this.wire.played(position, this.acknowledged.skipped);
    this.acknowledged = { position, skipped: 0 };
  }

  turnedOut(name, reason) {
    const { gaps, now } = this.story,
      open = gaps.at(-1)?.[1] === null ? gaps.at(-1) : null;
    if (name === "lost" && !open) gaps.push([now, null]);
    if (name === "live" && open) {
      open[1] = now;
      this.page.gap(now - open[0]);
    }
    if (name === "ended") this.close();
    this.page.state(name, reason);
  }

  end() {
    this.wire.close();
  }

  close() {
    if (this.story.end !== null) return;
    this.story.end = this.story.now;
    this.camera.close();
    this.microphone.close();
    this.player.close();
  }
}
