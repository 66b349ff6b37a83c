/* The camera, only while it is on: 160x120 JPEG, letterboxed, at most five a second, and if that is wished only what has
   changed. Read `open` first. */

const WIDTH = 160,
  HEIGHT = 120,
  EVERY_MS = 200,
  QUALITY = 0.7,
  CHANGED = 6, // levels of 255, on average
  STILL = 25; // pictures: the longest that one stands for those after it

/* Mean distance of two pictures (RGBA bytes) in levels. */
export function difference(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += Math.abs(one[i] - other[i]); // alpha is the same
  return sum / (0.75 * one.length);
}

export class Camera {
  sparing = false; // whether only pictures go out that differ from the last one that did

  constructor(video) {
    this.video = video;
    this.canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    this.drawing = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  /* `onPicture(blob)` for every picture. Rejects with the browser's own error. */
  async open(deviceId, onPicture) {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const device = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, ...device } });
    this.close();
    this.stream = this.video.srcObject = stream;
    await this.video.play();
    this.timer = setInterval(() => this.take(onPicture), EVERY_MS);
  }

  take(onPicture) {
    const { videoWidth, videoHeight } = this.video,
      { drawing } = this;
    if (!videoWidth) return;
    const scale = Math.min(WIDTH / videoWidth, HEIGHT / videoHeight),
      w = videoWidth * scale,
      h = videoHeight * scale;
    drawing.fillRect(0, 0, WIDTH, HEIGHT);
    drawing.drawImage(this.video, (WIDTH - w) / 2, (HEIGHT - h) / 2, w, h);
    if (this.sparing && this.isStill()) return;
    this.canvas.toBlob((blob) => this.stream && onPicture(blob), "image/jpeg", QUALITY);
  }

  isStill() {
    const { data } = this.drawing.getImageData(0, 0, WIDTH, HEIGHT);
    if (this.last && ++this.skipped < STILL && difference(data, this.last) < CHANGED) return true;
    this.last = data;
    this.skipped = 0;
    return false;
  }

  close() {
    this.last = null;
    clearInterval(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
  }
}
