// The test: pictures shown for a moment, and what a person says of them.

const {singles} = await (await fetch("/test")).json();
const words = singles ? ["real", "colorized"] : ["left", "right"];
const KEY = "vidcolor-participant";
const VERDICT_MILLISECONDS = 900;
const at = id => document.getElementById(id);
let participant = sessionStorage.getItem(KEY);
let current = null;

history.replaceState(null, "", "/");  // the secret of the address stands in a cookie now
at("how").textContent = singles
  ? "A photograph is shown for a moment. Say whether its colors are real or were added by a program."
  : "Two pictures are shown for a moment. In one the colors were added by a program. Which one is it?";
at("question").textContent = singles ? "Are its colors real?" : "Which one was colorized?";
at("first").textContent = singles ? "Real" : "Left";
at("second").textContent = singles ? "Colorized" : "Right";

async function ask(path, body) {
  const reply = await fetch(path, {method: "POST", body: JSON.stringify(body)});
  return reply.ok ? reply.json() : null;
}

function painted() {
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}

function pause(milliseconds) {
  return new Promise(done => setTimeout(done, milliseconds));
}

function show(id) {
  for (const one of ["welcome", "trial", "end"]) at(one).hidden = one !== id;
}

async function begin() {
  at("begin").disabled = true;
  const known = participant && await ask("/trial", {participant});
  if (known) return present(known);
  participant = (await ask("/begin", {})).participant;
  sessionStorage.setItem(KEY, participant);
  present(await ask("/trial", {participant}));
}

async function present(trial) {
  if (trial === null || trial.done) {
    sessionStorage.removeItem(KEY);
    return show("end");
  }
  show("trial");
  at("verdict").textContent = "";
  at("count").textContent =
    `${trial.practice ? "Practice, " : ""}${trial.number + 1} of ${trial.of}`;
  const stage = at("stage");
  stage.classList.remove("shown");
  stage.replaceChildren(...trial.pictures.map(name => {
    const place = document.createElement("div"), image = new Image();
    place.className = "place";
    place.style.aspectRatio = `${trial.width} / ${trial.height}`;
    place.style.width = `${trial.width}px`;
    image.alt = "";
    image.src = `/picture/${name}`;
    place.append(image);
    return place;
  }));
  await Promise.all([...stage.querySelectorAll("img")].map(image => image.decode()));
  stage.classList.add("shown");
  await painted();
  const began = performance.now();
  await pause(1000 * trial.seconds);
  stage.classList.remove("shown");
  stage.querySelectorAll("img").forEach(image => image.remove());
  await painted();
  current = {number: trial.number, began, shown: performance.now() - began};
  stage.dataset.shown = current.shown.toFixed(0);
  at("first").disabled = at("second").disabled = false;
}

async function answer(index) {
  if (current === null) return;
  const {number, began} = current;
  current = null;
  at("first").disabled = at("second").disabled = true;
  const seconds = (performance.now() - began) / 1000;
  const told = await ask("/answer", {participant, number, said: words[index], seconds});
  if (told && "right" in told) {
    at("verdict").textContent = told.right ? "Right." : "No, the other way round.";
    await pause(VERDICT_MILLISECONDS);
  }
  present(await ask("/trial", {participant}));
}

at("begin").disabled = false;
at("begin").addEventListener("click", begin);
at("first").addEventListener("click", () => answer(0));
at("second").addEventListener("click", () => answer(1));
addEventListener("keydown", event => {
  if (event.repeat) return;
  if (event.key === "ArrowLeft") answer(0);
  else if (event.key === "ArrowRight") answer(1);
});
