/* The camera, only while it is on: 160x120 JPEG, letterboxed, at most five a second. Read `open` first. */

const WIDTH = 160,
  HEIGHT = 120,
  EVERY_MS = 200,
  QUALITY = 0.7;

export class Camera {
  constructor(video) {
    this.video = video;
    this.canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
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
      drawing = this.canvas.getContext("2d");
    if (!videoWidth) return;
    const scale = Math.min(WIDTH / videoWidth, HEIGHT / videoHeight),
      w = videoWidth * scale,
      h = videoHeight * scale;
    drawing.fillRect(0, 0, WIDTH, HEIGHT);
    drawing.drawImage(this.video, (WIDTH - w) / 2, (HEIGHT - h) / 2, w, h);
    this.canvas.toBlob((blob) => this.stream && onPicture(blob), "image/jpeg", QUALITY);
  }

  close() {
    clearInterval(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
  }
}
