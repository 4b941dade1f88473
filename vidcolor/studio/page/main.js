// Ties the parts of the page together, and asks the server how things stand.

import { act, get, plain, post, say } from "./ask.js";
import { References } from "./references.js";
import { Steer } from "./steer.js";
import { Strip } from "./strip.js";
import { Viewer } from "./viewer.js";

const $ = (id) => document.getElementById(id);
const OFTEN = 500, SELDOM = 1500;

let state = null;
let film = "";
let photo = false;  // in place of a film
let lastRun = (more) => ["/api/render", more];  // what was asked last to be made

const viewer = new Viewer(onFrame, (...given) => shape(...given));
const strip = new Strip((shot) => choose(shot));
const steer = new Steer((changed) => take(changed));
const references = new References(pictureFor, (changed) => take(changed));

function onFrame(frame) {
  const shot = strip.shots[strip.chosen - 1];
  if (shot) $("shot").textContent = `Shot ${shot.number}: frames ${shot.first} to ${shot.last}`
    + (shot.returns ? `, the set-up of shot ${shot.returns}` : "");
  else $("shot").textContent = `frame ${frame}`;
  if (picked && picked.frame !== frame) clearSwatches();
  showHints();
}

async function choose(shot, frame = Math.floor((shot.first + shot.last) / 2)) {
  if (viewer.frame !== frame) viewer.pause();
  viewer.within(shot.first, shot.last);
  strip.choose(shot.number);
  steer.choose(shot);
  $("first").value = $("last").value = String(shot.number);
  if (picked?.frame !== frame) clearSwatches();
  await viewer.go(frame);
  await showDoubts(shot);
}

const showDoubts = act(async (shot) => {
  if (state?.model !== "ready") return;
  const reasons = await viewer.doubts();
  $("doubts").replaceChildren(...reasons.map((reason) => {
    const item = document.createElement("li");
    item.textContent = reason;
    return item;
  }));
  strip.doubt(shot.number, reasons);
});

let picked = null;  // the frame and the shape that was drawn or clicked last

function clearSwatches() {
  picked = null;
  $("swatches").replaceChildren();
  $("own").hidden = true;
}

// A thing was clicked or drawn on: shows what color it may have.
const shape = act(async (frame, given) => {
  picked = { frame, ...given };
  if (viewer.drawing.tool === "neutral") {
    await hint("neutral");
    return;
  }
  const [x, y] = middleOf(given);
  const found = await get("/api/suggest", { frame, x, y });
  $("own").hidden = false;
  $("swatches").replaceChildren(...found.map(swatch));
  $("own").scrollIntoView({ block: "nearest" });
});

function middleOf({ at, stroke, box }) {
  if (box) return [box[0] + box[2] / 2, box[1] + box[3] / 2];
  return at ?? stroke[Math.floor(stroke.length / 2)];
}

// What a reference picture is for: the shot that it was dropped on, or what is chosen.
function pictureFor(shot) {
  if (shot) return { first: shot };
  if ($("anchored").checked) return { frame: viewer.frame };
  const { shots, frames } = steer.place();
  if (frames) return { frames: frames.join("-") };
  return shots ? { first: shots[0], last: shots[1] } : {};
}

function swatch({ color, probability }) {
  const item = document.createElement("li"), button = document.createElement("button");
  button.type = "button";
  button.style.setProperty("background", color);
  button.textContent = `${Math.round(100 * probability)} %`;
  button.setAttribute("aria-label", `${color}, ${Math.round(100 * probability)} percent likely`);
  button.title = color;
  button.dataset.color = color;
  button.addEventListener("click", () => hint(color));
  item.append(button);
  return item;
}

// Gives the thing that was clicked a color.
const hint = act(async (color) => {
  if (!picked) return;
  for (const button of $("swatches").querySelectorAll("button")) {
    button.classList.toggle("ready", button.dataset.color === color);
  }
  await take(await post("/api/hint", { ...picked, color }));
});

function showHints() {
  const shot = strip.shots[strip.chosen - 1];
  const all = (state?.script.hints ?? []).map((one, number) => ({ ...one, number }));
  const within = (one) => shot && (one.frame === null || (shot.first <= one.frame && one.frame <= shot.last));
  $("hints").replaceChildren(...all.filter(within).map(hintItem));
  viewer.spots(all.filter((one) => one.frame === viewer.frame));
  references.show(state?.script.references ?? [], shot);
  $("marked").setAttribute("aria-pressed", String(Boolean(shot?.marked)));
  $("marked").disabled = !shot;
}

function hintItem({ number, frame, written, color }) {
  const item = document.createElement("li"), mark = document.createElement("span");
  const go = document.createElement("button"), remove = document.createElement("button");
  mark.className = "color";
  mark.style.background = color ?? "#808080";
  go.type = remove.type = "button";
  go.textContent = frame === null ? `at ${plain(written)}` : `frame ${frame}`;
  go.disabled = frame === null;
  go.addEventListener("click", () => viewer.go(frame));
  remove.textContent = "Remove";
  remove.addEventListener("click", act(async () => {
    await take(await post("/api/remove", { kind: "hint", number }));
  }));
  item.append(mark, go, remove);
  return item;
}

// Takes in how things stand.
async function take(now) {
  const before = state;
  state = now;
  $("undo").disabled = !now.script.undo;
  $("redo").disabled = !now.script.redo;
  tellFound();
  if (now.error) say(now.error, true);
  else if (now.script.error) say(now.script.error, true);
  else if (before?.script.error) say("");
  if (now.model !== "ready" && now.model !== "loading") say(now.model, true);
  $("waiting").hidden = now.model !== "loading";
  $("made").hidden = !now.made;
  if (!now.made && viewer.mode === "made") viewer.show("split");
  tellRender(now, before);
  steer.filmLook = now.script.film;
  viewer.version = now.script.version;
  if (now.model === "ready" && before?.model !== "ready") {
    strip.ready();
    await viewer.refresh();
  }
  if (before && before.script.revision !== now.script.revision) {
    strip.film = JSON.stringify(now.script.film);
    strip.references = JSON.stringify(now.script.references);
    let shown = null;
    if (viewer.mode === "made") viewer.show("split");
    else if (before.script.version !== now.script.version) shown = viewer.refresh();
    await strip.reload();
    steer.choose(strip.shots[strip.chosen - 1] ?? null);
    showHints();
    await shown;
    strip.loadVisible();
  }
}

function tellRender(now, before) {
  const run = now.render, runs = run.state === "running" || run.state === "stopping";
  $("progress").hidden = !runs;
  $("stop").hidden = !runs;
  $("render").hidden = runs;
  $("render").textContent = photo ? "Save in color" : run.state === "stopped" ? "Go on rendering" : "Render film";
  if (runs) {
    if (run.of) $("bar").value = run.frames / run.of;
    else $("bar").removeAttribute("value");
    const left = run.seconds_left === null ? "" : `, about ${clock(run.seconds_left)} left`;
    const pace = run.rate === null ? "" : `, ${run.rate.toFixed(1)} frames/s`;
    const note = run.notes.length ? `; ${run.notes.at(-1)}` : "";
    $("pace").textContent = `${plain(run.name)}: ${run.frames} of ${run.of ?? "?"} frames${pace}${left}${plain(note)}`;
  }
  if (!before || before.render.state === run.state) return;
  if (run.state === "done") {
    say([`${run.name} is finished` + (photo ? "" : `: ${run.frames} frames`), ...run.notes].join("; "));
    if (run.name === now.output) viewer.show("made");
    for (const number of run.doubtful) strip.doubt(number + 1, ["check the finished film"]);
  }
  if (run.state === "failed") say(run.error, true);
  if (run.in_color && window.confirm(`${film} is in color already. Keep its luma and replace its colors?`)) {
    act(async () => { await take(await post(...lastRun({ force: true }))); })();
  }
  if (run.state === "stopped") say("stopped; finished shots are kept");
}

function tellFound() {
  const count = strip.shots.length === 1 ? "1 shot" : `${strip.shots.length} shots`;
  $("found").textContent = state.whole ? count : `${count} so far; ${state.frames} frames read`;
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const render = act(async () => {
  const replace = state.made;
  if (replace && !window.confirm(`Replace ${plain(state.output)}?`)) return;
  lastRun = (more) => ["/api/render", { replace, ...more }];
  await take(await post(...lastRun({})));
});

// Makes something beside the film; what is there already is replaced if a person says so.
async function make(path, given) {
  try {
    return await post(path, given);
  } catch (error) {
    if (!/exists/.test(error.message) || !window.confirm(`${plain(error.message)}. Replace it?`)) throw error;
    return post(path, { ...given, replace: true });
  }
}

const sheet = act(async () => {
  say("making a contact sheet");
  const made = await make("/api/sheet", {});
  say(`${made.name} is written`);
});

const clip = act(async () => {
  const kind = $("clip").value;
  $("clip").value = "";
  if (!kind) return;
  const wanted = { shot: strip.chosen, both: kind === "both" };
  lastRun = (more) => ["/api/clip", { ...wanted, replace: true, ...more }];
  await take(await make("/api/clip", wanted));
});

const markShot = act(async () => {
  const shot = strip.shots[strip.chosen - 1];
  if (shot) await take(await post("/api/mark", { shot: shot.number, marked: !shot.marked }));
});

const change = (path) => act(async () => { await take(await post(path)); });

function nextShot(by) {
  const shot = strip.shots[strip.chosen - 1 + by];
  if (shot) choose(shot);
}

const KEYS = {
  1: () => viewer.show("before"),
  2: () => viewer.show("after"),
  3: () => viewer.show("split"),
  4: () => { if (!$("made").hidden) viewer.show("made"); },
  j: () => viewer.step(-1),
  l: () => viewer.step(1),
  k: () => viewer.play(),
  ArrowLeft: () => viewer.step(-1),
  ArrowRight: () => viewer.step(1),
  ArrowUp: () => nextShot(-1),
  ArrowDown: () => nextShot(1),
  p: () => viewer.drawing.use("point"),
  b: () => viewer.drawing.use("brush"),
  x: () => viewer.drawing.use("box"),
  n: () => viewer.drawing.use("neutral"),
  m: () => markShot(),
  "+": () => viewer.magnify(1.5),
  "-": () => viewer.magnify(1 / 1.5),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    change(event.shiftKey ? "/api/redo" : "/api/undo")();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

$("undo").addEventListener("click", change("/api/undo"));
$("redo").addEventListener("click", change("/api/redo"));
$("render").addEventListener("click", render);
$("stop").addEventListener("click", change("/api/stop"));
$("sheet").addEventListener("click", sheet);
$("clip").addEventListener("change", clip);
$("marked").addEventListener("click", markShot);
$("color").addEventListener("change", () => hint($("color").value));
$("neutral").addEventListener("click", () => hint("neutral"));

// Whether a person has begun to work on the first frame, before its shot was found.
function isTouched() {
  return picked !== null || viewer.frame !== 0 || viewer.playing;
}

// The shot to begin with, once it is found: that of the frame in view.
function firstShot() {
  if (strip.chosen) return null;
  return strip.shots.find(({ first, last }) => first <= viewer.frame && viewer.frame <= last) ?? null;
}

// Looks how things stand, again and again.
async function watch() {
  await act(async () => {
    const now = await get("/api/state");
    await take(now);
    if (await strip.update()) tellFound();
    const first = firstShot();
    if (first) await choose(first, isTouched() ? viewer.frame : undefined);
    else if (!strip.chosen && now.frames && !viewer.looked) {
      viewer.looked = true;
      viewer.within(0, now.frames - 1);
      await viewer.go(0);
    }
  })();
  const busy = !state || !state.whole || state.render.state === "running" || state.model === "loading";
  setTimeout(watch, busy ? OFTEN : SELDOM);
}

const begin = act(async () => {
  const facts = await get("/api/film");
  film = plain(facts.name);
  document.title = `${film}: vidcolor studio`;
  $("film").textContent = film;
  const rate = facts.still ? "" : ` ${Number(facts.rate.toFixed(3))} frames/s,`;
  $("facts").textContent = `${facts.width} x ${facts.height},${rate} ${facts.model}; changes are kept in ${plain(facts.script)}`;
  viewer.rate = facts.rate;
  steer.usual(facts.usual);
  photo = facts.still;
  document.body.classList.toggle("still", photo);
});

// The secret of the address stands in a cookie now: take it out of what a person may copy.
history.replaceState(null, "", "/");
viewer.showFirst();
await begin();
await watch();
