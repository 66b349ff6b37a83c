/* All that happened in this talk, on one clock, as plain values: what the timeline draws, the captions say and the
   downloads hold. Nothing here leaves the page. Read `Story` first; times are seconds since the talk began. */

export const TURN_S = 0.2;
export const PEAKS_PER_SECOND = 100;
const RATE = 24000,
  STEP = RATE / PEAKS_PER_SECOND;
const SOUND_S = 600; // of sound kept; its outline is kept for the whole talk
const PICTURES = 600;
const LAGS = 40; // packets
const DRIFT_S = 0.1; // packets whose clock is further off than this came after a gap

/* One side's sound: samples of the last ten minutes and peaks of all, in blocks of one second. */
class Track {
  sound = new Map(); // second -> Int16Array[RATE]
  peaks = new Map(); // second -> Int8Array[2 * PEAKS_PER_SECOND]: lowest, highest, lowest, …
  lags = [];
  next = 0; // sample at which the next packet belongs
  loudest = 12;
  tops = []; // by second: its highest peak

  /* Puts int16 samples after those before, or where the clock says if there was a gap. `soundEnd` is when they ended on
     the sound card's clock; the packet that came quickest of late tells how that clock lies to ours. */
  append(pcm, soundEnd, now) {
    this.lags = [...this.lags.slice(-LAGS), now - soundEnd];
    const end = Math.round((soundEnd + Math.min(...this.lags)) * RATE);
    if (Math.abs(this.next + pcm.length - end) > DRIFT_S * RATE) this.next = Math.max(0, end - pcm.length);
    for (let from = 0; from < pcm.length;) from += this.put(pcm, from);
  }

  put(pcm, from) {
    const second = Math.floor(this.next / RATE),
      inside = this.next % RATE;
    const size = Math.min(pcm.length - from, STEP - (inside % STEP)),
      part = pcm.subarray(from, from + size);
    this.block(second).set(part, inside);
    this.outline(second, Math.floor(inside / STEP), part);
    this.next += size;
    return size;
  }

  block(second) {
    if (!this.sound.has(second)) {
      this.sound.set(second, new Int16Array(RATE));
      this.peaks.set(second, new Int8Array(2 * PEAKS_PER_SECOND));
      for (const old of this.sound.keys()) if (old <= second - SOUND_S) this.sound.delete(old);
    }
    return this.sound.get(second);
  }

  outline(second, point, part) {
    const peaks = this.peaks.get(second);
    for (const sample of part) {
      const height = sample >> 8;
      if (height < peaks[2 * point]) peaks[2 * point] = height;
      if (height > peaks[2 * point + 1]) peaks[2 * point + 1] = height;
    }
    const top = Math.max(peaks[2 * point + 1], -peaks[2 * point]);
    this.loudest = Math.max(this.loudest, top);
    this.tops[second] = Math.max(this.tops[second] ?? 0, top);
  }

  /* Lowest and highest peak between two points of 10 ms. */
  span(from, to) {
    let low = 0,
      high = 0;
    for (let i = Math.max(0, from); i < to; i++) {
      const second = Math.floor(i / PEAKS_PER_SECOND),
        peaks = this.peaks.get(second);
      if (!peaks) continue;
      const at = 2 * (i - second * PEAKS_PER_SECOND);
      low = Math.min(low, peaks[at]);
      high = Math.max(high, peaks[at + 1]);
    }
    return [low, high];
  }
}

export class Story {
  you = new Track();
  duo = new Track();
  turns = []; // by index: {turn, heard, said, text, speak, calls, compute_ms, late}
  words = { heard: [], said: [], text: [], typed: [] }; // [seconds, text]
  pictures = []; // {second, jpeg: Blob, image: ImageBitmap}
  tasks = []; // {id, name, from, to, steps: [{second, state, text}]}; `to` is null while more may come
  gaps = []; // [from, to]: the line was down
  zero = performance.now();
  end = null;

  get now() {
    return this.end ?? (performance.now() - this.zero) / 1000;
  }

  /* What the model did in output turn `turn.turn`, which fills slot turn + 1. */
  took(turn) {
    this.turns[turn.turn] = turn;
    const second = (turn.turn + 1) * TURN_S;
    for (const side of ["heard", "said", "text"]) if (turn[side]) this.words[side].push([second, turn[side].trim()]);
  }

  typed(text) {
    this.words.typed.push([this.now, text]);
  }

  async showed(jpeg) {
    const second = this.now,
      last = this.pictures.at(-1);
    if (last && second - last.second < 1) return;
    this.pictures.push({ second, jpeg, image: await createImageBitmap(jpeg) });
    if (this.pictures.length > PICTURES) this.pictures.shift();
  }

  /* Something happened to a background task. What is told again after a lost line changes nothing. */
  task({ id, turn, request, state, text, active }, second) {
    let task = this.tasks.find((known) => known.id === id);
    if (!task) this.tasks.push((task = { id, from: (turn + 1) * TURN_S, steps: [] }));
    if (task.steps.some((step) => step.second === second && step.state === state && step.text === text)) return;
    task.steps.push({ second, state, text });
    task.name = request || "no words were heard";
    task.to = active ? null : second;
  }

  /* Compute time of the last minute's turns, in milliseconds, at this percentile. */
  compute(percent) {
    const times = this.turns
      .slice(-300)
      .filter(Boolean)
      .map((turn) => turn.compute_ms)
      .sort((a, b) => a - b);
    return times[Math.min(times.length - 1, Math.floor((times.length * percent) / 100))] ?? 0;
  }

  get soundFrom() {
    return Math.max(0, Math.ceil(this.now - SOUND_S));
  }

  /* Both sides between two seconds as int16 [you, duo, you, duo, …]. */
  stereo(from, to) {
    const first = Math.round(from * RATE),
      out = new Int16Array(2 * Math.max(0, Math.round(to * RATE) - first));
    [this.you, this.duo].forEach(({ sound }, side) => {
      for (let i = 0; i < out.length / 2;) {
        const second = Math.floor((first + i) / RATE),
          inside = (first + i) % RATE,
          block = sound.get(second);
        const size = Math.min(RATE - inside, out.length / 2 - i);
        if (block) for (let j = 0; j < size; j++) out[2 * (i + j) + side] = block[inside + j];
        i += size;
      }
    });
    return out;
  }

  /* The sound that is still kept as a WAV file: left what you said, right what was played to you. */
  wav() {
    const pcm = this.stereo(this.soundFrom, this.now),
      head = new DataView(new ArrayBuffer(44));
    const text = (at, letters) => [...letters].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
    (text(0, "RIFF"), text(8, "WAVEfmt "), text(36, "data"));
    head.setUint32(4, 36 + pcm.byteLength, true);
    head.setUint32(16, 16, true);
    [1, 2].forEach((value, i) => head.setUint16(20 + 2 * i, value, true)); // PCM, stereo
    head.setUint32(24, RATE, true);
    head.setUint32(28, 4 * RATE, true);
    [4, 16].forEach((value, i) => head.setUint16(32 + 2 * i, value, true)); // bytes a frame, bits a sample
    head.setUint32(40, pcm.byteLength, true);
    return new Blob([head, pcm], { type: "audio/wav" });
  }

  /* Everything but the sound; `turns` are the lines that `duologue talk` writes as events.jsonl. */
  json() {
    const { words, tasks, gaps } = this,
      turns = this.turns.filter(Boolean);
    const all = {
      seconds: this.now,
      turn_s: TURN_S,
      sound_from_s: this.soundFrom,
      turns,
      typed: words.typed,
      tasks,
      gaps,
    };
    return new Blob([JSON.stringify(all, null, 1)], { type: "application/json" });
  }
}
