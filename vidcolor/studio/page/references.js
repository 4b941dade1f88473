// Reference pictures: listed beside the frame, chosen or dropped.

import { act, plain, post, say, send } from "./ask.js";

const $ = (id) => document.getElementById(id);
const MOST_BYTES = 64 * 2 ** 20;

export class References {
  // `place` gives what a picture is for, or is asked with the number of a shot that it fell on.
  constructor(place, onState) {
    this.place = place;
    this.onState = onState;
    $("picture-file").addEventListener("change", () => {
      this.add($("picture-file").files[0], this.place(null));
      $("picture-file").value = "";
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const item = event.target.closest?.("#strip li");
      const file = event.dataTransfer.files[0];
      if (file) this.add(file, this.place(item ? Number(item.dataset.number) : null));
    });
  }

  add = act(async (file, place) => {
    if (!file) return;
    if (file.size > MOST_BYTES) {
      say(`${file.name}: has more than ${MOST_BYTES >> 20} MiB. Scale it down.`);
      return;
    }
    say(`taking colors from ${file.name}`);
    const state = await send("/api/references", { name: file.name, ...place }, file);
    say("");
    await this.onState(state);
  });

  // Those that hold for a shot.
  show(references, shot) {
    const holds = ({ frame, places, written }) => {
      if (frame !== null) return shot && shot.first <= frame && frame <= shot.last;
      if (places === null) return true;
      return written !== null || (shot && places.some(([first, last]) => first <= shot.number && shot.number <= last));
    };
    const shown = references.map((one, number) => ({ ...one, number })).filter(holds);
    const key = JSON.stringify(shown);
    if (key === this.key) return;
    this.key = key;
    $("references").replaceChildren(...shown.map((one) => this.item(one)));
  }

  item({ number, name, frame, shots, written }) {
    const item = document.createElement("li"), image = document.createElement("img");
    const text = document.createElement("span"), remove = document.createElement("button");
    const where = frame !== null ? `this is frame ${frame}` : shots ? `shots ${shots}` : written ?? "the whole film";
    image.src = `/api/references/${number}?${new URLSearchParams({ v: name })}`;
    image.alt = `Reference ${plain(name)}`;
    text.textContent = plain(`${name}: ${where}`);
    remove.type = "button";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove the reference ${plain(name)}`);
    remove.addEventListener("click", act(async () => {
      await this.onState(await post("/api/remove", { kind: "reference", number }));
    }));
    item.append(image, text, remove);
    return item;
  }
}
