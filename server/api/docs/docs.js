// Sends the requests of the forms and shows the responses as text.
"use strict";

const stored = "roomcast-api-key";
const key = document.getElementById("key-value");

try {
  key.value = sessionStorage.getItem(stored) ?? "";
} catch {
  // Without storage, the page keeps the key until it is closed.
}
key.addEventListener("input", () => {
  try {
    sessionStorage.setItem(stored, key.value);
  } catch {
    // See above.
  }
});
document.getElementById("key").addEventListener("submit", (event) => event.preventDefault());

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

async function send(form) {
  const output = form.querySelector("output");
  const button = form.querySelector("button");
  button.disabled = true;
  output.classList.remove("failed");
  output.textContent = "…";
  try {
    const [url, init] = request(form);
    const started = performance.now();
    const response = await fetch(url, init);
    const text = await response.text();
    output.classList.toggle("failed", !response.ok);
    output.textContent = `${response.status} ${response.statusText}, ${Math.round(performance.now() - started)} ms\n\n${pretty(text)}`;
  } catch (error) {
    output.classList.add("failed");
    output.textContent = String(error);
  } finally {
    button.disabled = false;
  }
}

// The page is at docs, so the path of a route is relative to the page.
function request(form) {
  const headers = new Headers();
  const query = new URLSearchParams();
  let path = form.dataset.path.slice(1);
  if (key.value && !("client" in form.dataset)) headers.set("Authorization", `Bearer ${key.value}`);
  for (const input of form.querySelectorAll("input[data-in]")) {
    if (input.value === "") continue;
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, () => encodeURIComponent(input.value));
    else if (input.dataset.in === "query") query.set(input.name, input.value);
    else headers.set(input.name, input.value);
  }
  const init = { method: form.dataset.method, headers };
  const body = form.querySelector("textarea");
  if (body) {
    headers.set("Content-Type", "application/json");
    init.body = body.value;
  }
  return [query.size > 0 ? `${path}?${query}` : path, init];
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
