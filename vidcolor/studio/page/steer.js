// Sliders and switches: what the color script says of a shot, of some, or of the film.

import { act, post } from "./ask.js";

const $ = (id) => document.getElementById(id);

const SLIDERS = [
  { name: "saturation", label: "Saturation", low: 0, high: 3, step: 0.05, usual: 1 },
  { name: "vividness", label: "Vividness", low: 0, high: 2, step: 0.05, usual: 0 },
  { name: "temperature", label: "Cool to warm", low: -30, high: 30, step: 1, usual: 0 },
  { name: "tint", label: "Green to magenta", low: -30, high: 30, step: 1, usual: 0 },
];
const WAIT = 150;

export class Steer {
  constructor(onState) {
    this.shot = null;
    this.filmLook = {};
    this.onState = onState;
    this.timers = new Map();
    for (const one of SLIDERS) $("sliders").append(this.slider(one));
    $("gray").addEventListener("change", () => {
      this.send({ color: $("gray").checked ? false : null });
    });
    $("clear").addEventListener("click", () => {
      this.send(Object.fromEntries(["color", ...SLIDERS.map((one) => one.name)].map((name) => [name, null])));
    });
    $("scope").addEventListener("change", () => this.show());
    $("first").addEventListener("change", () => this.show());
  }

  slider(one) {
    const label = document.createElement("label"), text = document.createElement("span");
    const input = document.createElement("input"), value = document.createElement("output");
    label.className = "slide unset";
    text.textContent = one.label;
    input.type = "range";
    input.id = one.name;
    input.min = String(one.low);
    input.max = String(one.high);
    input.step = String(one.step);
    input.value = String(one.usual);
    value.id = `${one.name}-value`;
    input.addEventListener("input", () => {
      value.textContent = input.value;
      clearTimeout(this.timers.get(one.name));
      const shots = this.shots();
      this.timers.set(one.name, setTimeout(() => this.send({ [one.name]: Number(input.value) }, shots), WAIT));
    });
    label.append(text, value, input);
    return label;
  }

  // First and last shot that a change is for; null for the whole film.
  shots() {
    const scope = $("scope").value;
    if (scope === "film" || !this.shot) return null;
    if (scope === "shot") return [this.shot.number, this.shot.number];
    const ends = [Number($("first").value), Number($("last").value)];
    return [Math.min(...ends), Math.max(...ends)];
  }

  send = act(async (settings, shots = this.shots()) => {
    this.onState(await post("/api/look", { shots, settings }));
  });

  choose(shot) {
    this.shot = shot;
    this.show();
  }

  // Shows what holds for what is chosen.
  show() {
    $("span").hidden = $("scope").value !== "shots";
    const own = $("scope").value === "film" ? this.filmLook : this.shot?.look ?? {};
    const look = { ...this.filmLook, ...own };
    for (const one of SLIDERS) {
      const input = $(one.name);
      if (input !== document.activeElement || !input.matches(":active")) {
        input.value = String(look[one.name] ?? one.usual);
        $(`${one.name}-value`).textContent = input.value;
      }
      input.parentElement.classList.toggle("unset", !(one.name in own));
    }
    $("gray").checked = look.color === false;
  }
}
