/* Sound in and out. `Microphone` gives packets of 20 ms from a microphone or a recording, by one path; `Player` plays
   the model's stream and says what was played. Both run in worklets, off this thread. */

export const WIRE_HZ = 24000;

const WISHES = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };

/* Gives `onPacket({pcm: Int16Array of 480, end: seconds of the sound card's clock})` all the time: a closed microphone
   gives zeros, so that time goes on. */
export class Microphone {
  async open(onPacket) {
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL("capture.worklet.js", import.meta.url));
    const capture = new AudioWorkletNode(this.context, "capture", {
      channelCount: 1,
      channelCountMode: "explicit",
      numberOfOutputs: 0,
    });
    capture.port.onmessage = ({ data }) => onPacket(data);
    this.gate = new GainNode(this.context);
    this.gate.connect(capture);
    await this.context.resume();
  }

  /* Hears this device (or the default one). Rejects with the browser's own error when it may not or cannot. */
  async listen(deviceId) {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const audio = deviceId ? { ...WISHES, deviceId: { exact: deviceId } } : WISHES;
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    this.hush();
    this.stream = stream;
    this.source = new MediaStreamAudioSourceNode(this.context, { mediaStream: stream });
    this.source.connect(this.gate);
  }

  /* Plays a recording into the same gate, and to the listener. Resolves when it has ended. */
  async playFile(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`the recording ${url} is not there (${answer.status})`);
    const buffer = await this.context.decodeAudioData(await answer.arrayBuffer());
    this.hush();
    this.source = new AudioBufferSourceNode(this.context, { buffer });
    this.source.connect(this.gate);
    this.source.connect(this.context.destination);
    return new Promise((resolve) => {
      this.source.onended = resolve;
      this.source.start();
    });
  }

  set closed(closed) {
    if (this.gate) this.gate.gain.value = closed ? 0 : 1;
  }

  hush() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.source?.disconnect();
    this.stream = this.source = null;
  }

  async close() {
    this.hush();
    await this.context?.close();
  }
}

/* Plays int16 at 24 kHz. `onReport({pcm, end, position, skipped, queued})` comes 27 times a second: the samples that
   were played and when they ended on the sound card's clock, the place in the stream that has been reached, how many
   were thrown away since, and how many wait. */
export class Player {
  async open(onReport) {
    this.context = new AudioContext({ sampleRate: WIRE_HZ, latencyHint: "interactive" });
    await this.context.audioWorklet.addModule(new URL("player.worklet.js", import.meta.url));
    this.node = new AudioWorkletNode(this.context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => onReport(data);
    this.node.connect(this.context.destination);
    await this.context.resume();
  }

  push(pcm, start) {
    this.node?.port.postMessage({ pcm, start }, [pcm.buffer]);
  }

  cut() {
    this.node?.port.postMessage({ cut: true });
  }

  async speakTo(deviceId) {
    await this.context.setSinkId(deviceId);
  }

  async close() {
    await this.context?.close();
  }
}

/* Plays int16 [left, right, left, …] at 24 kHz once. Returns {stop(), seconds(), ended}. */
export function replay(stereo) {
  const context = new AudioContext({ sampleRate: WIRE_HZ }),
    buffer = context.createBuffer(2, Math.max(1, stereo.length / 2), WIRE_HZ);
  for (const side of [0, 1])
    buffer.copyToChannel(
      Float32Array.from({ length: buffer.length }, (_, i) => stereo[2 * i + side] / 32768),
      side,
    );
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  const ended = new Promise((resolve) => (source.onended = resolve)).then(() => context.close());
  source.start();
  return { stop: () => source.stop(), seconds: () => context.currentTime, ended };
}
