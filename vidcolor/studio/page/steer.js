// Sliders and switches: what the color script says of a shot, of some, or of the film.

import { act, get, post } from "./ask.js";

const $ = (id) => document.getElementById(id);

const SLIDERS = [
  { name: "saturation", label: "Saturation", low: 0, high: 3, step: 0.05, usual: 1 },
  { name: "vividness", label: "Vividness", low: 0, high: 2, step: 0.05, usual: 0 },
  { name: "temperature", label: "Cool to warm", low: -30, high: 30, step: 1, usual: 0 },
  { name: "tint", label: "Green to magenta", low: -30, high: 30, step: 1, usual: 0 },
  { name: "smoothing", label: "Smoothing over time", low: 0, high: 0.99, step: 0.01, usual: 0 },
];
const WAIT = 80;

export class Steer {
  constructor(onState) {
    this.shot = null;
    this.filmLook = {};
    this.onState = onState;
    this.timers = new Map();
    this.turn = 0;
    for (const one of SLIDERS) $("sliders").append(this.slider(one));
    $("gray").addEventListener("change", () => {
      this.change({ color: $("gray").checked ? false : null });
    });
    $("clear").addEventListener("click", () => {
      this.change(Object.fromEntries(["color", ...SLIDERS.map((one) => one.name)].map((name) => [name, null])));
    });
    $("scope").addEventListener("change", () => this.show());
    for (const id of ["first", "first-frame", "last-frame"]) $(id).addEventListener("change", () => this.show());
  }

  slider(one) {
    const label = document.createElement("label"), text = document.createElement("span");
    const input = document.createElement("input"), value = document.createElement("output");
    label.className = "slide unset";
    text.textContent = one.label;
    input.type = "range";
    input.id = one.name;
    input.setAttribute("aria-label", one.label);
    input.min = String(one.low);
    input.max = String(one.high);
    input.step = String(one.step);
    input.value = String(one.usual);
    value.id = `${one.name}-value`;
    input.addEventListener("input", () => {
      value.textContent = input.value;
      clearTimeout(this.timers.get(one.name));
      const place = this.place(), wanted = Number(input.value);
      const timer = setTimeout(async () => {
        await this.send({ [one.name]: wanted }, place);
        if (this.timers.get(one.name) !== timer) return;  // it has been moved on
        this.timers.delete(one.name);
        await this.show();
      }, WAIT);
      this.timers.set(one.name, timer);
    });
    label.append(text, value, input);
    return label;
  }

  // What holds where nothing is set.
  usual(settings) {
    for (const one of SLIDERS) one.usual = settings[one.name] ?? one.usual;
  }

  // What a change is for: shots, frames, or, if neither is named, the whole film.
  place() {
    const scope = $("scope").value;
    if (scope === "film" || !this.shot) return {};
    if (scope === "shot") return { shots: [this.shot.number, this.shot.number] };
    return scope === "shots" ? { shots: ends("first", "last") } : { frames: ends("first-frame", "last-frame") };
  }

  send = act(async (settings, place = this.place()) => {
    await this.onState(await post("/api/look", { ...place, settings }));
  });

  async change(settings) {
    await this.send(settings);
    await this.show();
  }

  choose(shot) {
    if (shot && shot.number !== this.shot?.number) {
      $("first-frame").value = String(shot.first);
      $("last-frame").value = String(shot.last);
    }
    this.shot = shot;
    this.show();
  }

  // What is set for the place itself.
  async own() {
    const scope = $("scope").value;
    if (scope === "film") return this.filmLook;
    if (scope !== "frames") return this.shot?.look ?? {};
    const [first, last] = ends("first-frame", "last-frame");
    return get("/api/look-at", { first, last });
  }

  // Shows what holds for what is chosen.
  show = act(async () => {
    const scope = $("scope").value;
    $("span").hidden = scope !== "shots";
    $("frames").hidden = scope !== "frames";
    const turn = ++this.turn, own = await this.own();
    if (turn !== this.turn) return;  // something else was chosen meanwhile
    const look = { ...this.filmLook, ...(scope === "frames" ? this.shot?.look : {}), ...own };
    for (const one of SLIDERS) {
      const input = $(one.name);
      if (!this.timers.has(one.name)) {  // a person is not moving it
        input.value = String(look[one.name] ?? one.usual);
        $(`${one.name}-value`).textContent = input.value;
      }
      input.parentElement.classList.toggle("unset", !(one.name in own));
    }
    $("gray").checked = look.color === false;
  });
}

function ends(first, last) {
  const numbers = [Number($(first).value), Number($(last).value)];
  return [Math.min(...numbers), Math.max(...numbers)];
}
