/* The subprotocol `duologue.v1` of docs/wire.md from the listener's side; no other file knows its events. A lost
   line is taken up again with the token, as long as the server keeps the session. Read `Wire.open` first. */

import { WIRE_HZ } from "./sound.js";

const FINAL = [1000, 1008, 1013, 4404, 4409]; // close codes after which coming back would change nothing
const WAITS_MS = [200, 400, 800, 1600, 3000];
const PER_MS = WIRE_HZ / 1000;

export class Wire {
  last = -1; // the last turn that came
  ended = false;

  /* `on` has a function for each of: state(name, reason), started(duologue), turn(event), sound(pcm, start),
     task(task, second), shown(id, spec), gap(from_s, to_s, reason). Names of states: starting, live, lost, ended. */
  constructor(url, key, on) {
    Object.assign(this, { url, key, on });
  }

  open(patience) {
    this.on.state("starting");
    this.connect({ type: "session.start", session: { model: "duologue" }, duologue: { patience } });
  }

  connect(first) {
    const key = this.key ? [`openai-insecure-api-key.${this.key}`] : [];
    const socket = (this.socket = new WebSocket(this.url, ["duologue.v1", ...key]));
    socket.onopen = () => socket.send(JSON.stringify(first));
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.socket && this.closed(code);
  }

  /* ---- what we say ---- */

  send(event) {
    if (this.live && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(event));
  }

  hear(pcm) {
    this.send({ type: "session.input_audio.append", audio: base64(new Uint8Array(pcm.buffer)) });
  }

  async see(jpeg) {
    this.send({ type: "session.input_image.append", image: base64(new Uint8Array(await jpeg.arrayBuffer())) });
  }

  read(text, source = "typed") {
    this.send({ type: "session.input_text.append", text, source });
  }

  mute(muted) {
    this.send({ type: muted ? "session.input_audio.mute" : "session.input_audio.unmute" });
  }

  bePatient(patience) {
    this.send({ type: "session.patience.set", patience });
  }

  /* Both in samples: the place in the stream that playing has reached, and how much was thrown away since last time. */
  played(position, skipped) {
    this.send({
      type: "session.output_audio.played",
      end_ms: Math.round(position / PER_MS),
      skipped_ms: Math.round(skipped / PER_MS),
    });
  }

  close() {
    this.send({ type: "session.close" });
    this.finish("");
  }

  /* ---- what we are told ---- */

  receive(event) {
    if (/^(session\.|error$)/.test(event.type)) this[event.type]?.(event);
  }

  "session.started"({ duologue }) {
    this.token = duologue.resume_token;
    this.grace_ms = duologue.grace_ms;
    this.becomeLive();
    this.on.started(duologue);
  }

  "session.resumed"() {
    this.becomeLive();
  }

  "session.turn"(turn) {
    this.last = Math.max(this.last, turn.turn);
    this.on.turn(turn);
  }

  "session.output_audio.delta"({ delta, start_ms }) {
    const bytes = Uint8Array.from(atob(delta), (letter) => letter.charCodeAt(0));
    this.on.sound(new Int16Array(bytes.buffer), start_ms * PER_MS);
  }

  "session.task"({ task, offset_ms }) {
    this.on.task(task, offset_ms / 1000);
  }

  "session.interface"({ id, spec }) {
    this.on.shown(id, spec);
  }

  "session.gap"({ start_ms, end_ms, reason }) {
    this.on.gap(start_ms / 1000, end_ms / 1000, reason);
  }

  "session.draining"({ deadline_ms }) {
    this.on.state("live", `the server goes down in ${Math.ceil(deadline_ms / 1000)} s`);
  }

  "session.closed"({ reason }) {
    this.finish(reason === "close_requested" ? "" : `the server closed the session: ${reason}`);
  }

  error({ error }) {
    this.reason = error.message;
    console.warn("duologue:", error.code, error.message);
  }

  /* ---- lost and found ---- */

  becomeLive() {
    this.live = true;
    this.lostAt = null;
    this.tries = 0;
    this.on.state("live");
  }

  closed(code) {
    this.live = false;
    if (this.ended) return;
    if (!this.token) return this.refused();
    if (FINAL.includes(code)) return this.finish(this.reason ?? `the server ended the session (${code})`);
    this.lostAt ??= performance.now();
    if (performance.now() - this.lostAt > this.grace_ms) return this.finish("the line was down for too long");
    this.on.state("lost");
    this.retry = setTimeout(() => this.comeBack(), WAITS_MS[Math.min(this.tries++, WAITS_MS.length - 1)]);
  }

  comeBack() {
    this.connect({ type: "session.resume", token: this.token, last_turn: this.last });
  }

  /* Browsers do not say why a handshake failed; the health page tells the likely reason. */
  async refused() {
    const health = await fetch(new URL("/health", location)).catch(() => null);
    if (this.reason) this.finish(this.reason);
    else if (!health) this.finish("The server does not answer. Is it running?");
    else if (health.status === 503) this.finish("The server is going down. Try again in a minute.");
    else this.finish("The server let nobody in. If it asks for a key, put it in under “devices”.");
  }

  finish(reason) {
    if (this.ended) return;
    this.ended = true;
    this.live = false;
    clearTimeout(this.retry);
    setTimeout(() => this.socket.close(), 200); // lets a last event leave
    this.on.state("ended", reason);
  }
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}
