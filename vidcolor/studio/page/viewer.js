// The frame in view: before and after with a divider, zoom, stepping, play.

import { act, get, picture } from "./ask.js";
import { Drawing } from "./draw.js";

const $ = (id) => document.getElementById(id);
const PLAYED_SIDE = 640;
const MOST_ZOOM = 16;

export class Viewer {
  // `onShape` is told of what a person drew or clicked, as a hint has it.
  constructor(onFrame, onShape) {
    this.frame = 0;
    this.version = "";
    this.rate = 24;
    this.first = 0;
    this.last = 0;
    this.mode = "split";
    this.split = 50;
    this.zoom = 1;
    this.pan = [0, 0];
    this.size = [4, 3];
    this.playing = false;
    this.onFrame = onFrame;
    this.onShape = onShape;
    this.drawing = new Drawing();
    this.pointer = [0.5, 0.5];
    this.wanted = 0;
    this.bind();
    new ResizeObserver(() => this.lay()).observe($("stage"));
  }

  bind() {
    for (const button of document.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => this.show(button.dataset.mode));
    }
    $("back").addEventListener("click", () => this.step(-1));
    $("on").addEventListener("click", () => this.step(1));
    $("play").addEventListener("click", () => this.play());
    $("place").addEventListener("input", () => this.go(Number($("place").value)));
    $("in").addEventListener("click", () => this.magnify(1.5));
    $("out").addEventListener("click", () => this.magnify(1 / 1.5));
    $("stage").addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = $("stage").getBoundingClientRect();
      this.magnify(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    this.bindDivider();
    this.bindPicture();
  }

  bindDivider() {
    const divider = $("divider");
    divider.addEventListener("pointerdown", (event) => {
      divider.setPointerCapture(event.pointerId);
      event.stopPropagation();
    });
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const box = $("picture").getBoundingClientRect();
      this.divide(100 * (event.clientX - box.left) / box.width);
    });
    divider.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.divide(this.split + by);
    });
  }

  bindPicture() {
    const stage = $("stage");
    let from = null;
    stage.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY, ...this.pan];
      stage.setPointerCapture(event.pointerId);
      const place = this.placeOf(event);
      if (!this.drawing.draws) return;
      if (isInside(place)) this.drawing.begin(...place);
      else from = null;
    });
    stage.addEventListener("pointermove", (event) => {
      if (!from) return;
      if (this.drawing.draws) {
        this.drawing.move(...this.placeOf(event));
      } else if (this.zoom !== 1) {
        this.pan = [from[2] + event.clientX - from[0], from[3] + event.clientY - from[1]];
        this.lay();
      }
    });
    stage.addEventListener("pointerup", (event) => {
      const moved = from && Math.hypot(event.clientX - from[0], event.clientY - from[1]);
      from = null;
      if (moved === null) return;
      const place = this.placeOf(event);
      if (this.drawing.draws) this.shape(this.drawing.end());
      else if (moved <= 4 && isInside(place)) this.shape({ at: place });
    });
    stage.addEventListener("keydown", (event) => this.point(event));
  }

  // Where a pointer is in the picture, in fractions of it.
  placeOf(event) {
    const box = $("picture").getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  // Points at a thing by keys: Shift and arrows move the mark, Enter asks what is there. With a tool
  // that draws Enter begins and ends what is drawn, and Escape gives it up.
  point(event) {
    const by = { ArrowLeft: [-0.02, 0], ArrowRight: [0.02, 0], ArrowUp: [0, -0.02], ArrowDown: [0, 0.02] }[event.key];
    const isMove = event.shiftKey && by, isEnd = event.key === "Escape" && this.drawing.points;
    if (event.key !== "Enter" && !isMove && !isEnd) return;
    event.preventDefault();
    event.stopPropagation();
    if (isMove) {
      this.pointer = this.pointer.map((one, axis) => Math.min(1, Math.max(0, one + by[axis])));
      if (this.drawing.points) this.drawing.move(...this.pointer);
    } else if (isEnd) {
      this.drawing.end();
      this.drawing.clear();
    } else if (!this.drawing.draws) {
      this.shape({ at: this.pointer });
    } else if (this.drawing.points) {
      this.shape(this.drawing.end());
      return;
    } else {
      this.drawing.begin(...this.pointer);
    }
    this.mark(this.pointer);
    this.follow(this.pointer);
  }

  // Moves an enlarged picture so that a place of it is in view.
  follow(place) {
    const stage = $("stage").getBoundingClientRect(), box = $("picture").getBoundingClientRect();
    const at = [box.left + place[0] * box.width - stage.left, box.top + place[1] * box.height - stage.top];
    const outside = at.some((one, axis) => one < 0 || one > [stage.width, stage.height][axis]);
    if (!outside) return;
    this.pan = [this.pan[0] + stage.width / 2 - at[0], this.pan[1] + stage.height / 2 - at[1]];
    this.lay();
  }

  shape(shape) {
    if (!shape) return;
    if (shape.at) {
      this.pointer = shape.at;
      this.mark(shape.at);
      this.drawing.clear();
    } else {
      this.mark(null);
    }
    this.onShape(this.frame, shape);
  }

  mark(place) {
    $("mark").hidden = place === null;
    if (place === null) return;
    $("mark").style.left = `${100 * place[0]}%`;
    $("mark").style.top = `${100 * place[1]}%`;
  }

  // Shows where hints lie in the frame in view.
  spots(hints) {
    const key = JSON.stringify(hints);
    if (key === this.spotted) return;
    this.spotted = key;
    for (const old of document.querySelectorAll(".spot")) old.remove();
    this.drawing.show(hints);
    for (const { points, color } of hints) {
      if (points.length !== 1) continue; // lines and areas are drawn; what is painted is in a picture
      const spot = document.createElement("div");
      spot.className = "spot";
      spot.style.left = `${100 * points[0][0]}%`;
      spot.style.top = `${100 * points[0][1]}%`;
      spot.style.background = color ?? "#808080";
      $("picture").append(spot);
    }
  }

  show(mode) {
    const changes = (mode === "made") !== (this.mode === "made");
    this.mode = mode;
    for (const button of document.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-checked", String(button.dataset.mode === mode));
    }
    this.lay();
    if (changes) this.refresh();
  }

  divide(percent) {
    this.split = Math.min(100, Math.max(0, percent));
    this.lay();
  }

  magnify(factor, x = $("stage").clientWidth / 2, y = $("stage").clientHeight / 2) {
    const before = this.zoom;
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    if (this.zoom < 1.01) this.zoom = 1;
    const grown = this.zoom / before;
    this.pan = this.zoom === 1 ? [0, 0] : [x - grown * (x - this.pan[0]), y - grown * (y - this.pan[1])];
    this.lay();
  }

  // Puts the picture in its place: as large as fits, then zoomed.
  lay() {
    const stage = $("stage"), shown = $("picture");
    const [width, height] = this.size;
    this.drawing.fit(this.size);
    document.body.style.setProperty("--shape", String(width / height));
    const fit = Math.min(stage.clientWidth / width, stage.clientHeight / height);
    const [w, h] = [fit * width, fit * height];
    const left = (stage.clientWidth - w) / 2, top = (stage.clientHeight - h) / 2;
    shown.style.width = `${w}px`;
    shown.style.height = `${h}px`;
    const x = this.pan[0] + this.zoom * left, y = this.pan[1] + this.zoom * top;
    shown.style.transform = `translate(${x}px, ${y}px) scale(${this.zoom})`;
    shown.classList.toggle("pixels", fit * this.zoom > 2);
    $("zoom").textContent = `${Math.round(100 * fit * this.zoom)} %`;
    const cut = { before: 100, after: 0, made: 0, split: this.split }[this.mode];
    $("after").style.clipPath = `inset(0 0 0 ${cut}%)`;
    $("divider").hidden = this.mode !== "split";
    $("divider").style.left = `${x + this.zoom * w * this.split / 100}px`;
    $("divider").setAttribute("aria-valuenow", String(Math.round(this.split)));
  }

  // The shot within which one steps and plays.
  within(first, last) {
    this.first = first;
    this.last = last;
    $("place").min = String(first);
    $("place").max = String(last);
  }

  step(by) {
    this.pause();
    this.go(this.frame + by);
  }

  async go(frame) {
    const wanted = Math.min(this.last, Math.max(this.first, frame));
    if (wanted !== this.frame) this.unmark();
    this.frame = wanted;
    this.tell();
    await this.refresh();
  }

  // Takes away what was pointed at or drawn in another frame.
  unmark() {
    this.mark(null);
    this.drawing.clear();
  }

  tell() {
    $("place").value = String(this.frame);
    const seconds = this.frame / this.rate;
    const minutes = Math.floor(seconds / 60);
    $("where").textContent = `frame ${this.frame}, ${minutes}:${(seconds % 60).toFixed(2).padStart(5, "0")}`;
    this.onFrame(this.frame);
  }

  // Shows the first frame while the film is opened; the frame that is chosen takes its place.
  async showFirst() {
    const answer = await fetch("/api/first"), image = $("before");
    if (answer.status !== 200 || image.src) return;
    image.src = URL.createObjectURL(await answer.blob());
    await image.decode();
    if (image.dataset.frame) return;
    this.size = [image.naturalWidth, image.naturalHeight];
    this.lay();
  }

  // Shows the frame as it is wanted now; what comes late is not shown.
  refresh = act(async (side = 8192) => {
    const turn = ++this.wanted, frame = this.frame;
    const load = async (kind, id = kind) => {
      const wanted = `${frame} ${kind} ${side}`;
      if (kind === "before" && $(id).dataset.wanted === wanted) return undefined;  // it never changes
      const address = await picture(`/api/frames/${frame}/${kind}`, { side, v: this.version });
      if (turn !== this.wanted) return URL.revokeObjectURL(address);
      await this.put(id, kind, address, frame);
      $(id).dataset.wanted = wanted;
      return undefined;
    };
    await Promise.all([load("before"), load(this.mode === "made" ? "made" : "after", "after")]);
  });

  // Shows a picture in its place.
  async put(id, kind, address, frame) {
    const image = $(id), old = image.src;
    image.dataset.kind = kind;
    image.dataset.wanted = "";
    image.src = address;
    await image.decode();
    if (old.startsWith("blob:")) URL.revokeObjectURL(old);
    this.size = [image.naturalWidth, image.naturalHeight];
    image.dataset.frame = String(frame);
    image.dataset.version = this.version;
    this.lay();
  }

  pause() {
    this.playing = false;
    $("play").textContent = "Play";
  }

  // Plays the shot, colored as in the film: at the film's own speed, or slower, but each frame.
  play = act(async () => {
    if (this.playing) {
      this.pause();
      await this.refresh();
      return;
    }
    this.playing = true;
    this.unmark();
    $("play").textContent = "Pause";
    const first = this.frame >= this.last ? this.first : this.frame;
    try {
      let coming = this.fetchPlayed(first), due = performance.now();
      for (let frame = first; this.playing; frame += 1) {
        const pictures = await coming;
        if (!this.playing) break;
        if (frame < this.last) coming = this.fetchPlayed(frame + 1);
        const early = due - performance.now();
        if (early > 0) await new Promise((wake) => { setTimeout(wake, early); });
        due = Math.max(due, performance.now()) + 1000 / this.rate;
        this.frame = frame;
        this.tell();
        await Promise.all(pictures.map(([id, kind, address]) => this.put(id, kind, address, frame)));
        if (frame >= this.last) break;
      }
    } finally {
      const ended = this.playing;
      this.pause();
      if (ended) await this.refresh();
    }
  });

  // What of a frame is in view while it is played: each picture's place, kind and address.
  async fetchPlayed(frame) {
    const kinds = [];
    if (this.mode !== "after" && this.mode !== "made") kinds.push(["before", "before"]);
    if (this.mode !== "before") kinds.push(["after", this.mode === "made" ? "made" : "played"]);
    this.wanted += 1;  // what was asked for before is late
    return Promise.all(kinds.map(async ([id, kind]) => [
      id, kind, await picture(`/api/frames/${frame}/${kind}`, { side: PLAYED_SIDE, v: this.version }),
    ]));
  }

  async doubts() {
    return get(`/api/frames/${this.frame}/doubts`, { side: 640 });
  }
}

function isInside([x, y]) {
  return x >= 0 && x <= 1 && y >= 0 && y <= 1;
}
