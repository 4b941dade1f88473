// What is drawn on the picture: strokes and boxes, those of hints and the one being drawn.

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const MOST_POINTS = 400;
const LEAST_STEP = 0.003;  // of the picture's width, between points of a stroke
const LEAST_BOX = 0.005;

export class Drawing {
  constructor() {
    this.tool = "point";
    this.size = [4, 3];
    this.points = null;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.use(button.dataset.tool));
    }
    this.use("point");
  }

  use(tool) {
    this.tool = tool;
    for (const button of document.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-checked", String(button.dataset.tool === tool));
    }
    $("thickness").hidden = tool === "point" || tool === "box";
    $("stage").dataset.tool = tool;
  }

  get draws() {
    return this.tool !== "point";
  }

  get radius() {
    return Number($("radius").value);
  }

  // The picture has so many pixels; what is drawn is in these.
  fit(size) {
    this.size = size;
    $("drawn").setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
  }

  begin(x, y) {
    this.points = [[x, y]];
  }

  move(x, y) {
    const place = [Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y))];
    const last = this.points.at(-1);
    if (this.tool === "box") this.points = [this.points[0], place];
    else if (Math.hypot(place[0] - last[0], place[1] - last[1]) >= LEAST_STEP) this.points.push(place);
    if (this.points.length > MOST_POINTS) this.points = this.points.filter((_, number) => number % 2 === 0);
    this.draw();
  }

  // The shape that was drawn, as a hint has it; null for none.
  end() {
    const points = this.points;
    this.points = null;
    if (!points) return null;
    if (this.tool === "box") {
      const box = points.length > 1 ? boxOf(points) : null;
      return box && box[2] > LEAST_BOX && box[3] > LEAST_BOX ? { box } : null;
    }
    if (points.length === 1) return { at: points[0], radius: this.radius };
    return { stroke: points, radius: this.radius };
  }

  // What was drawn last, until it has a color.
  draw() {
    const shape = this.tool === "box" ? { shape: "box", points: corners(boxOf(this.points)) }
      : { shape: "stroke", points: this.points, radius: this.radius };
    $("drawn").querySelector(".fresh")?.remove();
    this.add(shape, "fresh");
  }

  clear() {
    $("drawn").querySelector(".fresh")?.remove();
  }

  // Strokes and areas of hints; points are shown as spots.
  show(hints) {
    $("drawn").replaceChildren();
    for (const hint of hints) if (hint.points.length > 1) this.add(hint, "drawn");
  }

  add({ shape, points, radius, color }, kind) {
    const isLine = shape === "stroke", line = document.createElementNS(SVG, isLine ? "polyline" : "polygon");
    const [width, height] = this.size;
    line.setAttribute("points", points.map(([x, y]) => `${x * width},${y * height}`).join(" "));
    line.setAttribute("class", `${kind} ${isLine ? "line" : "area"}`);
    if (isLine) line.setAttribute("stroke-width", String(Math.max(1, 2 * radius * height)));
    line.style.setProperty(isLine ? "stroke" : "fill", kind === "fresh" ? "#fff" : color ?? "#808080");
    $("drawn").append(line);
  }
}

function boxOf([[x, y], [to, down] = [x, y]]) {
  return [Math.min(x, to), Math.min(y, down), Math.abs(to - x), Math.abs(down - y)];
}

function corners([left, top, width, height]) {
  return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]];
}
