// The page: who connects, which channels, what is sent, and the two streams beside each other.

import { Events, SocketIO } from "./transports.js";
import { Stream } from "./stream.js";

const who = document.getElementById("who").elements;
const send = document.getElementById("send").elements;
const notes = { who: document.getElementById("who-note"), send: document.getElementById("send-note") };
const channels = new Set();

function note(name, text, bad = false) {
  notes[name].textContent = text;
  notes[name].classList.toggle("bad", bad);
}

/* Identity: a token says who it is, so the user ID is only sent without one. */
function identity() {
  const token = who.token.value.trim();
  const userId = who.userId.value.trim();
  const result = token ? { token } : { userId };
  if (who.username.value.trim()) result.username = who.username.value.trim();
  return result;
}

const common = { who: () => ({ identity: identity(), channels: [...channels] }), changed: () => suggest() };
const socket = new Stream((on) => new SocketIO(() => who.socketioPath.value, on),
  { ...common, moveLabel: "Move to EventSource", move: () => move(socket, events) });
const events = new Stream((on) => new Events(() => who.ssePath.value, on),
  { ...common, moveLabel: "Move to Socket.IO", move: () => move(events, socket) });
const sides = [socket, events];

/* One side leaves and the other goes on after its last id: the log is the same, so nothing is missed. */
function move(from, to) {
  const { last } = from;
  from.disconnect();
  to.disconnect();
  to.connect(last || undefined);
}

/* Channels: the list is what a connect asks for; changes reach live connections at once. */
async function change(asked) {
  for (const name of asked.leave ?? []) channels.delete(name);
  for (const name of asked.join ?? []) channels.add(name);
  paintChannels();
  const results = await Promise.allSettled(sides.map((side) => side.change(asked)));
  const denied = results.flatMap((result) => result.value?.denied ?? []);
  const failed = results.find((result) => result.status === "rejected");
  for (const name of denied) channels.delete(name);
  paintChannels();
  if (failed) note("who", `Channels not changed everywhere: ${failed.reason.message}`, true);
  else if (denied.length > 0) note("who", `Not allowed: ${[...new Set(denied)].join(", ")}`, true);
  else note("who", "");
}

function paintChannels() {
  const list = document.getElementById("channels");
  list.replaceChildren(...[...channels].map((name) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    item.append(name, button);
    button.type = "button";
    button.textContent = "×";
    button.setAttribute("aria-label", `Leave ${name}`);
    button.onclick = () => change({ leave: [name] });
    return item;
  }));
  suggest();
}

document.getElementById("who").onsubmit = (event) => {
  event.preventDefault();
  const names = who.channel.value.split(",").map((name) => name.trim()).filter((name) => name && !channels.has(name));
  who.channel.value = "";
  if (names.length > 0) change({ join: names });
};

/* Sending */
const labels = { user: "User ID", users: "User IDs, comma separated", channel: "Channel", client: "Client ID" };

// suggest offers the names this page knows of for the chosen kind of target.
function suggest() {
  const known = {
    user: [who.userId.value], users: [who.userId.value], channel: [...channels], client: sides.map((side) => side.client),
  }[send.target.value] ?? [];
  document.getElementById("names").replaceChildren(...known.filter(Boolean).map((value) => new Option(value, value)));
  return known.find(Boolean) ?? "";
}

send.target.onchange = () => {
  const kind = send.target.value;
  const label = document.getElementById("name-label");
  label.hidden = kind === "all";
  label.firstElementChild.textContent = labels[kind] ?? "";
  send.name.value = suggest();
};

function target() {
  const name = send.name.value.trim();
  switch (send.target.value) {
    case "all": return { all: true };
    case "users": return { users: name.split(",").map((id) => id.trim()).filter(Boolean) };
    default: return { [send.target.value]: name };
  }
}

async function publish() {
  const data = send.data.value.trim() || "null";
  try {
    JSON.parse(data);
  } catch (error) {
    send.data.setAttribute("aria-invalid", "true");
    return note("send", `Data is not JSON: ${error.message}`, true);
  }
  send.data.removeAttribute("aria-invalid");
  const rest = { target: target(), type: send.type.value.trim() };
  if (send.volatile.checked) rest.volatile = true;
  // The data goes out as it was typed: parsing and writing it again would round large numbers.
  const body = `${JSON.stringify(rest).slice(0, -1)},"data":${data}}`;
  const headers = { "Content-Type": "application/json" };
  if (send.key.value) headers.Authorization = `Bearer ${send.key.value}`;
  note("send", "Sending…");
  try {
    const response = await fetch("/v1/notifications", { method: "POST", headers, body });
    const answer = await response.json();
    if (!response.ok) return note("send", `${response.status} ${answer.code ?? ""}: ${answer.detail ?? answer.title}`, true);
    const id = answer.id ?? "volatile";
    note("send", `${id} · connections ${answer.delivered} · users ${answer.users} · channels ${answer.channels}`);
  } catch (error) {
    note("send", `Not sent: ${error.message}`, true);
  }
}

document.getElementById("send").onsubmit = (event) => {
  event.preventDefault();
  publish();
};
send.data.onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) publish();
};

/* The API key comes once in the fragment, which no server sees, and is then kept for this tab only. */
const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  sessionStorage.setItem("roomcast:key", given);
  history.replaceState(null, "", location.pathname + location.search);
}
send.key.value = sessionStorage.getItem("roomcast:key") ?? "";
send.key.onchange = () => sessionStorage.setItem("roomcast:key", send.key.value);
who.userId.oninput = () => suggest();
