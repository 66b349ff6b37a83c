/* The whole talk in one strip: you above the line, Duo below, what the timeline shows brighter.
   Read `Overview.draw` first. */

const SHORTEST_S = 30; // a talk that is shorter does not fill the strip

export class Overview {
  /* `onMove(second)` when somebody points at a moment. */
  constructor(canvas, onMove) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.waves = document.createElement("canvas"); // drawn once a second
    const move = (event) => onMove((event.offsetX / canvas.clientWidth) * this.seconds);
    canvas.addEventListener("pointerdown", move);
    canvas.addEventListener("pointermove", (event) => event.buttons && move(event));
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    for (const canvas of [this.canvas, this.waves]) Object.assign(canvas, { width, height });
    this.drawn = null;
  }

  draw(story, view, colours) {
    const { width, height } = this.canvas;
    if (!width) return;
    this.seconds = Math.max(SHORTEST_S, Math.ceil(story.now));
    if (this.drawn !== Math.floor(story.now)) this.drawWaves(story, colours);
    this.drawn = Math.floor(story.now);
    this.pen.clearRect(0, 0, width, height);
    this.pen.drawImage(this.waves, 0, 0);
    const [from, to] = [view.start, view.end].map((second) => (second * width) / this.seconds);
    this.pen.fillStyle = colours.card;
    this.pen.globalAlpha = 0.7;
    this.pen.fillRect(0, 0, from, height);
    this.pen.fillRect(to, 0, width - to, height);
    this.pen.globalAlpha = 1;
  }

  drawWaves(story, colours) {
    const { width, height } = this.waves,
      pen = this.waves.getContext("2d"),
      wide = Math.max(1, width / this.seconds - 1);
    pen.clearRect(0, 0, width, height);
    for (const [side, way] of Object.entries({ you: -1, duo: 1 })) {
      const { tops, loudest } = story[side],
        scale = (way * (height / 2 - 2)) / loudest;
      pen.fillStyle = colours[side];
      tops.forEach((top, second) =>
        pen.fillRect((second * width) / this.seconds, height / 2, wide, top * scale || way * 0.5),
      );
    }
  }
}
