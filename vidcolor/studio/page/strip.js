// The film strip: a thumbnail of each shot, fetched as it comes into view.

import { get, picture } from "./ask.js";

const $ = (id) => document.getElementById(id);
const SIDE = 200;
const AT_ONCE = 2;
const EMPTY = "/page/empty.svg";

export class Strip {
  constructor(onChoose) {
    this.shots = [];
    this.versions = new Map();
    this.doubtful = new Map();
    this.chosen = 0;
    this.onChoose = onChoose;
    this.queue = [];
    this.busy = 0;
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        entry.target.dataset.visible = entry.isIntersecting ? "yes" : "";
        if (entry.isIntersecting) this.load(entry.target);
      }
    }, { root: $("strip"), rootMargin: "0px 400px" });
    $("which").addEventListener("change", () => this.filter());
    for (const id of ["moments", "strip-kind"]) $(id).addEventListener("change", () => this.loadVisible());
  }

  // Takes in the shots that were found since; says whether there were any.
  async update() {
    const found = await get("/api/shots", { from: this.shots.length });
    for (const shot of found) {
      this.shots.push(shot);
      $("strip").append(this.item(shot));
    }
    if (found.length) this.filter();
    return found.length > 0;
  }

  // Takes in what the script says of each shot, after it has changed; thumbnails stay as they are.
  async reload() {
    for (let from = 0; from < this.shots.length; from += 500) {
      const found = await get("/api/shots", { from });
      for (const shot of found) {
        const old = this.shots[shot.number - 1];
        if (!old) break;
        this.shots[shot.number - 1] = shot;
      }
    }
    for (const item of $("strip").children) this.label(item);
    this.filter();
  }

  item(shot) {
    const item = document.createElement("li"), button = document.createElement("button");
    const images = document.createElement("span"), text = document.createElement("span");
    item.dataset.number = String(shot.number);
    button.type = "button";
    images.className = "images";
    images.append(thumbnail());
    text.className = "text";
    button.append(images, text);
    button.addEventListener("click", () => this.onChoose(this.shots[Number(item.dataset.number) - 1]));
    item.append(button);
    this.label(item);
    this.seen.observe(item);
    return item;
  }

  label(item) {
    const shot = this.shots[Number(item.dataset.number) - 1], text = item.querySelector(".text");
    const minutes = Math.floor(shot.seconds / 60), seconds = Math.floor(shot.seconds % 60);
    text.textContent = `${shot.number}  ${minutes}:${String(seconds).padStart(2, "0")} `;
    const reasons = this.doubtful.get(shot.number);
    if (reasons?.length) text.append(mark("marks", "check", reasons.join(", ")));
    if (shot.marked) text.append(mark("mark", " \u2691 marked", "marked by you"));
    if (hasChanged(shot)) text.append(mark("changed", " changed", "has colors of its own"));
    item.querySelector("button").setAttribute("aria-current", String(shot.number === this.chosen));
  }

  choose(number) {
    this.chosen = number;
    for (const item of $("strip").children) this.label(item);
    const item = [...$("strip").children].find((one) => Number(one.dataset.number) === number);
    item?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  doubt(number, reasons) {
    this.doubtful.set(number, reasons);
    const item = [...$("strip").children].find((one) => Number(one.dataset.number) === number);
    if (item) this.label(item);
  }

  filter() {
    const which = $("which").value;
    const rank = (item) => {
      const number = Number(item.dataset.number);
      const isFirst = { doubtful: this.doubtful.get(number)?.length > 0, marked: this.shots[number - 1].marked }[which];
      const later = isFirst === false;
      return (later ? 1e9 : 0) + number;
    };
    const items = [...$("strip").children].sort((one, other) => rank(one) - rank(other));
    // What stays in place keeps the keyboard's focus.
    if (items.some((item, place) => item !== $("strip").children[place])) $("strip").append(...items);
    for (const item of items) {
      const shot = this.shots[Number(item.dataset.number) - 1];
      item.hidden = (which === "changed" && !hasChanged(shot)) || (which === "marked" && !shot.marked);
    }
  }

  load(item) {
    if (!this.queue.includes(item)) this.queue.push(item);
    while (this.busy < AT_ONCE && this.queue.length) {
      this.busy += 1;
      this.fetch(this.queue.shift()).finally(() => {
        this.busy -= 1;
        if (this.queue.length) this.load(this.queue[0]);
      });
    }
  }

  async fetch(item) {
    const shot = this.shots[Number(item.dataset.number) - 1];
    const kind = $("strip-kind").value, middle = Math.floor((shot.first + shot.last) / 2);
    const frames = $("moments").value === "three" ? [shot.first, middle, shot.last] : [middle];
    const wanted = JSON.stringify([kind, frames, shot.look, shot.hints, this.film, this.references]);
    if (!item.dataset.visible || item.dataset.version === wanted || !this.isReady) return;
    try {
      const sources = [];
      for (const frame of frames) sources.push(await picture(`/api/frames/${frame}/${kind}`, { side: SIDE, v: wanted }));
      for (const { src } of item.querySelectorAll("img")) if (src.startsWith("blob:")) URL.revokeObjectURL(src);
      item.querySelector(".images").replaceChildren(...sources.map(thumbnail));
      item.dataset.version = wanted;
      this.doubt(shot.number, await get(`/api/frames/${middle}/doubts`, { side: SIDE }));
    } catch {
      item.dataset.version = "";
    }
  }

  // The model is ready: thumbnails can be made.
  ready() {
    this.isReady = true;
    this.loadVisible();
  }

  loadVisible() {
    for (const item of $("strip").children) if (item.dataset.visible) this.load(item);
  }
}

function thumbnail(source) {
  const image = document.createElement("img");
  image.alt = "";
  image.src = source ?? EMPTY;
  return image;
}

function hasChanged(shot) {
  return Object.keys(shot.look).length > 0 || shot.hints.length > 0;
}

function mark(kind, text, title) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text;
  span.title = title;
  return span;
}
