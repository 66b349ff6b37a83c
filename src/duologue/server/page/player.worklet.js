/* Plays the model's 24 kHz stream from a queue and says what was really played. Read `process` first.
   A little is held back against jitter; silence is skipped to catch up after a hiccup, words never are. */

const REPORT = 7 * 128; // samples between two reports: 37 ms
const MS = 24;
const KEEP = 100 * MS; // so much is still played when the model stops (docs/wire.md)
const FADE = 8 * MS; // and it ends in a fade, not in a click
const LEAST = 60 * MS,
  MOST = KEEP; // bounds of what is held back; it grows when sound came too late
const SLACK = 120 * MS; // waiting longer than this beyond what is held back is made up for in silence

const size = ({ pcm, from }) => pcm.length - from; // still to be played

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.queue = []; // {pcm, from, start}: `from` is the first sample not yet played, `start` its place in the stream
    this.queued = 0;
    this.lead = this.wait = LEAST; // held back when sound begins to flow, and what is left of that, in samples
    this.position = 0; // place in the stream of what is played next
    this.skipped = 0; // samples thrown away since the last report
    this.mute = false;
    this.report = new Int16Array(REPORT);
    this.filled = 0;
    this.port.onmessage = ({ data }) => (data.pcm ? this.push(data) : this.cut());
  }

  push({ pcm, start }) {
    if (this.mute) pcm.fill(0); // the tail of words that were cut
    this.mute = false;
    this.queue.push({ pcm, start, from: 0 });
    this.queued += pcm.length;
  }

  /* The model has stopped: of what is queued only KEEP is still heard. A natural end has no more than that waiting. */
  cut() {
    const over = this.queued - KEEP;
    if (over <= 0) return;
    let left = over;
    const end = this.queue.at(-1).start + this.queue.at(-1).pcm.length;
    while (size(this.queue.at(-1)) <= left) left -= size(this.queue.pop());
    const last = this.queue.at(-1);
    last.end = end;
    last.pcm = last.pcm.slice(0, last.pcm.length - left);
    for (let i = 1; i <= FADE; i++) last.pcm[last.pcm.length - i] *= (i - 1) / FADE;
    this.queued -= over;
    this.skipped += over;
    this.mute = true;
  }

  process(_, [[out]]) {
    if (this.queued) this.wait -= out.length;
    else if (this.wait <= 0) this.starve();
    for (let i = 0; i < out.length; i++) out[i] = this.queued && this.wait <= 0 ? this.next() : 0;
    this.tell(out);
    return true;
  }

  next() {
    const head = this.queue[0],
      sample = head.pcm[head.from++] / 32768;
    this.queued--;
    this.position = head.start + head.from;
    if (head.from === head.pcm.length) this.shift();
    return sample;
  }

  shift() {
    this.position = this.queue.shift().end ?? this.position;
    while (this.queued > this.lead + SLACK && this.queue[0]?.pcm.every((s) => s === 0)) {
      const skipped = this.queue.shift();
      this.queued -= skipped.pcm.length;
      this.position = skipped.start + skipped.pcm.length;
    }
  }

  /* Sound came too late: more is held back from now on. */
  starve() {
    this.lead = Math.min(MOST, this.lead + 20 * MS);
    this.wait = this.lead;
  }

  tell(out) {
    for (const sample of out) this.report[this.filled++] = Math.round(sample * 32767);
    if (this.filled < REPORT) return;
    const pcm = this.report.slice();
    this.port.postMessage(
      { pcm, end: currentTime, position: this.position, skipped: this.skipped, queued: this.queued },
      [pcm.buffer],
    );
    this.filled = this.skipped = 0;
  }
}

registerProcessor("player", Player);
