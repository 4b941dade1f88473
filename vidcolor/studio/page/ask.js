// Requests to the server, and the one line that says what went wrong.

export class Refused extends Error {}

async function answer(response) {
  if (response.ok) return response;
  let text = `the studio answered ${response.status}`;
  try { text = (await response.json()).error ?? text; } catch { /* no JSON: the status will do */ }
  throw new Refused(text);
}

export async function get(path, query = {}) {
  const address = `${path}?${new URLSearchParams(query)}`;
  return (await answer(await fetch(address))).json();
}

export async function post(path, body = {}) {
  const response = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  return (await answer(response)).json();
}

// Sends a file.
export async function send(path, query, file) {
  const response = await fetch(`${path}?${new URLSearchParams(query)}`, { method: "POST", body: file });
  return (await answer(response)).json();
}

// A picture as an address for an <img>; whoever shows it lets the last one go.
export async function picture(path, query) {
  const response = await answer(await fetch(`${path}?${new URLSearchParams(query)}`));
  return URL.createObjectURL(await response.blob());
}

// A text of which no character turns the direction of others, or is not seen.
export function plain(text) {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
}

export function say(text, isWrong = false) {
  const status = document.getElementById("status");
  status.textContent = plain(text);
  status.classList.toggle("wrong", isWrong);
}

// Runs what a person asked for; what goes wrong is said.
export function act(task) {
  return async (...given) => {
    try {
      return await task(...given);
    } catch (error) {
      if (!(error instanceof Refused)) console.error(error);
      say(error instanceof Refused ? error.message : "the studio does not answer; is it running?", true);
      return undefined;
    }
  };
}
