/* What the microphone (or a recording) gives, at the sound card's rate, becomes 24 kHz int16 in packets of 20 ms.
   Read `process` first. A streaming resampler: each output sample is a windowed sinc over its neighbours. */

const WIRE_HZ = 24000,
  PACKET = 480,
  PHASES = 640,
  ZEROS = 16; // ZEROS: crossings of the sinc on each side
const ratio = sampleRate / WIRE_HZ,
  reach = Math.ceil(ZEROS * Math.max(1, ratio)),
  taps = 2 * reach;

function kernelAt(phase) {
  const cut = Math.min(1, 1 / ratio) * 0.94; // a little below half the rate, so that nothing folds back
  const taken = Float32Array.from({ length: taps }, (_, i) => {
    const x = i - reach + 1 - phase / PHASES,
      place = Math.PI * x * cut;
    const window = Math.cos((Math.PI * x) / (2 * reach + 2)) ** 2;
    return window * (x === 0 ? 1 : Math.sin(place) / place);
  });
  const sum = taken.reduce((total, weight) => total + weight, 0);
  return taken.map((weight) => weight / sum);
}

const kernels = Array.from({ length: PHASES }, (_, phase) => kernelAt(phase));

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.held = new Float32Array(taps + 128); // the past that the next output sample still needs, then the new block
    this.at = 0; // place of the next output sample, in input samples past the first that it may touch
    this.packet = new Int16Array(PACKET);
    this.filled = 0;
  }

  process([[block = new Float32Array(128)]]) {
    this.held.copyWithin(0, block.length);
    this.held.set(block, taps);
    for (; this.at < block.length; this.at += ratio) this.give(this.sampleAt(this.at));
    this.at -= block.length;
    return true;
  }

  sampleAt(at) {
    let from = Math.floor(at),
      phase = Math.round((at - from) * PHASES),
      sum = 0;
    if (phase === PHASES) [from, phase] = [from + 1, 0];
    const kernel = kernels[phase];
    for (let i = 0; i < taps; i++) sum += kernel[i] * this.held[from + i];
    return sum;
  }

  give(sample) {
    this.packet[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
    if (this.filled < PACKET) return;
    this.port.postMessage({ pcm: this.packet, end: currentTime }, [this.packet.buffer]);
    this.packet = new Int16Array(PACKET);
    this.filled = 0;
  }
}

registerProcessor("capture", Capture);
