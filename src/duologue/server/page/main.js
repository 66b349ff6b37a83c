/* The page: what each control does and what each message changes. Read `begin` first. */

import { Captions } from "./captions.js";
import { advice, offer } from "./devices.js";
import { draw } from "./interface.js";
import { clock } from "./lanes.js";
import { replay } from "./sound.js";
import { Talk } from "./talk.js";
import { Timeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const RECORDING = new URL("question.ogg", import.meta.url);
const STATES = { starting: "connecting", live: "live", lost: "the line is down, coming back", ended: "ended" };

const captions = new Captions($("captions"));
const timeline = new Timeline(
  {
    stage: $("stage"),
    gutter: $("gutter"),
    canvas: $("sheet"),
    overview: $("overview"),
    legend: $("legend"),
    tip: $("tip"),
    spoken: $("moment"),
    back: $("back"),
  },
  () => ($("replay").disabled = false),
);
let source = "microphone"; // or recording, or none
let talk = null,
  again = null; // the talk that is shown, and the past being played again

/* ---- a talk begins and ends ---- */

async function begin(from = source) {
  source = from;
  talk?.end();
  trouble("");
  captions.clear();
  $("shown").replaceChildren();
  talk = new Talk($("seen").querySelector("video"), { state, started, turn, shown, gap });
  globalThis.duologue = { talk, timeline }; // for those who look under the bonnet
  timeline.show(talk.story);
  setHold(false);
  try {
    await talk.begin(Number($("patience").value), $("key").value);
  } catch (error) {
    return trouble(`Sound did not start: ${error.message}. Is there a loudspeaker, and is this page open over https?`);
  }
  if (source === "microphone") await listen();
  if (source === "recording") playRecording();
}

function state(name, reason = "") {
  document.body.dataset.state = name;
  $("status-text").textContent = name === "live" && reason ? reason : STATES[name];
  const live = name === "live" || name === "lost";
  for (const id of ["mute", "hold", "camera", "recording", "typed", "send"]) $(id).disabled = !live;
  for (const id of ["save-sound", "save-events"]) $(id).disabled = name === "starting";
  $("end").disabled = false;
  $("end").textContent = name === "ended" ? "Again" : "End";
  if (name === "ended") ended(reason);
}

function started({ recording }) {
  $("recorded").textContent = recording ? "This server records the conversation." : "Nothing is recorded.";
  $("typed").focus({ preventScroll: true });
}

function ended(reason) {
  showCamera(false);
  setMuted(false);
  if (!talk.story.turns.length) document.body.dataset.state = "idle";
  if (reason) trouble(reason);
}

function turn({ heard, said, text, calls, end_ms }) {
  const second = end_ms / 1000;
  if (heard) captions.add("heard", heard.trim(), second);
  if (said) captions.add("said", said.trim(), second);
  if (text) captions.add("text", text.trim(), second);
  if (text) $("moment").textContent = `Duo writes: ${text}`; // read aloud; spoken words are not, for they are heard
  for (const call of calls) captions.add("call", `${call.kind} ${call.text}`.trim(), second);
}

function gap(seconds) {
  captions.note(`the line was down for ${seconds.toFixed(1)} s`);
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

/* ---- sound ---- */

async function listen() {
  try {
    await talk.microphone.listen($("microphones").value);
    trouble("");
    fillDevices();
  } catch (error) {
    trouble(`${advice(error, "microphone")} Until then you can type, or play it a recording.`);
  }
}

async function playRecording() {
  $("recording").disabled = true;
  trouble("");
  setMuted(false);
  await talk.microphone.playFile(RECORDING).catch((error) => trouble(error.message));
  $("recording").disabled = talk.story.end !== null;
}

function setMuted(muted) {
  $("mute").ariaPressed = String(muted);
  if (talk && talk.muted !== muted) talk.mute(muted);
}

/* Push to talk: the microphone is open only while the first button, or the space bar, is held. */
function setHold(on) {
  $("hold").ariaPressed = String(on);
  $("mute").querySelector("span").textContent = on ? "hold to talk" : "mute";
  setMuted(false);
  press(!on);
}

const pushes = () => $("hold").ariaPressed === "true";

function press(held) {
  talk?.hold(held);
  $("mute").classList.toggle("open", held && pushes());
}

/* ---- camera and devices ---- */

async function showCamera(on) {
  if (on) {
    try {
      talk.camera.sparing = $("sparing").checked;
      await talk.look($("cameras").value);
      trouble("");
      fillDevices();
    } catch (error) {
      trouble(advice(error, "camera"));
      on = false;
    }
  } else talk.camera.close();
  $("camera").ariaPressed = String(on);
  $("seen").hidden = !on;
}

function fillDevices() {
  $("speaker-choice").hidden = !("setSinkId" in AudioContext.prototype);
  return offer({ audioinput: $("microphones"), videoinput: $("cameras"), audiooutput: $("speakers") });
}

/* ---- text, patience, things shown ---- */

function send(event) {
  event.preventDefault();
  const text = $("typed").value.trim();
  if (!text || !talk) return;
  talk.say(text);
  captions.add("typed", text, talk.story.now);
  $("typed").value = "";
}

function setPatience() {
  const value = Number($("patience").value);
  $("patience-value").textContent = value > 0 ? `+${value}` : String(value).replace("-", "−");
  $("patience").ariaValueText =
    `${value}: ${value > 0 ? "waits longer before it speaks" : value < 0 ? "speaks sooner" : "as trained"}`;
  talk?.wire?.bePatient(value);
}

function shown(id, spec) {
  const element = draw(spec, (text) => {
    talk.answer(text);
    captions.add("typed", text, talk.story.now);
  });
  element.dataset.id = id;
  const before = [...$("shown").children].find((child) => child.dataset.id === String(id));
  if (before) before.replaceWith(element);
  else $("shown").prepend(element);
}

/* ---- the past ---- */

async function replayFromCursor() {
  if (again) return again.stop();
  const from = timeline.cursor ?? 0,
    to = Math.min(talk.story.now, from + 120);
  talk.replay(true);
  again = replay(talk.story.stereo(from, to));
  again.from = from;
  $("replay").textContent = "stop";
  await again.ended;
  again = null;
  talk.replay(false);
  $("replay").textContent = "replay from here";
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/* ---- every frame of the screen ---- */

/* Drawing takes at most a third of this thread: on a slow machine sound and words come first. */
let rest = 0; // no drawing before this time

function frame(time) {
  requestAnimationFrame(frame);
  if (time < rest) return;
  const began = performance.now();
  if (again) timeline.cursor = Math.min(talk.story.now, again.from + again.seconds());
  timeline.frame();
  rest = time + 3 * (performance.now() - began) - 10;
}

function writeFacts() {
  const story = talk?.story;
  if (!story?.turns.length) return;
  $("status-facts").textContent =
    `${clock(story.now)} · tick ${story.compute(50).toFixed(0)} ms, p99 ${story.compute(99).toFixed(0)} ms`;
}

/* ---- hands ---- */

function onClicks() {
  const clicks = {
    start: () => begin("microphone"),
    "start-recording": () => begin("recording"),
    "start-typing": () => begin("none"),
    end: () => (document.body.dataset.state === "ended" ? begin() : talk.end()),
    mute: () => pushes() || setMuted(!talk.muted),
    hold: () => setHold(!pushes()),
    camera: () => showCamera($("camera").ariaPressed !== "true"),
    recording: playRecording,
    in: () => timeline.zoom(1.4),
    out: () => timeline.zoom(1 / 1.4),
    replay: replayFromCursor,
    "save-sound": () => save(talk.story.wav(), "duologue.wav"),
    "save-events": () => save(talk.story.json(), "duologue.json"),
    theme: turnTheme,
  };
  for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
  $("dock").addEventListener("submit", send);
  $("captions").addEventListener("click", ({ target }) => {
    const line = target.closest("li[data-at]");
    if (line) timeline.seek(Number(line.dataset.at));
  });
  $("patience").addEventListener("input", setPatience);
  $("microphones").addEventListener("change", () => talk?.microphone.stream && listen());
  $("sparing").addEventListener("change", () => talk && (talk.camera.sparing = $("sparing").checked));
  $("cameras").addEventListener("change", () => talk?.camera.stream && showCamera(true));
  $("speakers").addEventListener("change", () => talk?.player.speakTo($("speakers").value));
  navigator.mediaDevices?.addEventListener("devicechange", fillDevices);
}

function onKeys() {
  const writes = (target) => target.matches("input:not([type=range]), select, textarea");
  const space = (e) => e.key === " " && pushes() && !writes(e.target);
  $("mute").addEventListener("pointerdown", () => pushes() && press(true));
  for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, () => pushes() && press(false));
  addEventListener("keyup", (e) => space(e) && press(false));
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || writes(e.target) || !talk) return;
    if (space(e)) press(true);
    else if (e.key === "m" && !pushes()) setMuted(!talk.muted);
    else if (e.key === "/") $("typed").focus();
    else return;
    e.preventDefault();
  });
}

/* ---- looks ---- */

function turnTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme;
  const now = dark === "light dark" ? matchMedia("(prefers-color-scheme: dark)").matches : dark === "dark";
  document.documentElement.dataset.theme = now ? "light" : "dark";
  timeline.repaint();
}

onClicks();
onKeys();
fillDevices();
setInterval(writeFacts, 500);
requestAnimationFrame(frame);
