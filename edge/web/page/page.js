// The page of one run: what the server tells becomes what a person sees.

import { People, make, name } from "./people.js";
import { follow } from "./stream.js";

const AGAIN = 2000; // milliseconds until the next try
const MOST_EVENTS = 50;
const SILENT = 10; // seconds: the server tells something once a second
const of = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;
const people = new People(of("cards"), of("timeline"));
const canvas = of("picture");

let paused = false;
let hidden = false; // by this viewer
let forced = false; // hidden by who started the run
let chosen = ""; // the source, "" for the first
let version = null;
let state = null; // of the chosen source
let connection = "connecting"; // or "open", "ended", "lost", "refused"
let picture = { age: 0, at: 0 };
let stream = null; // what ends the stream of pictures
let said = ""; // why there are no pictures
let news = false; // whether events are new, or those from before this page connected
let heard = 0; // when the server told something
let events = null; // what it tells that through
let reconnecting = 0;

// Pictures

function startStream() {
  stopStream();
  if (paused || document.hidden || connection !== "open") return;
  const own = new AbortController();
  stream = own;
  follow(`stream.mjpg?${query()}`, own.signal, show)
    .then(() => "", (error) => (error.status ? error.message : ""))
    .then((problem) => {
      if (own.signal.aborted) return;
      said = problem;
      describe();
      setTimeout(() => own === stream && startStream(), AGAIN);
    });
}

function stopStream() {
  stream?.abort();
  stream = null;
}

function show(bitmap, age) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  said = "";
  picture = { age, at: now() };
}

function query() {
  const asked = new URLSearchParams();
  if (chosen) asked.set("source", chosen);
  if (hidden) asked.set("hide", "1");
  return asked;
}

// What the server tells

function connect() {
  const own = new EventSource(`events?${query()}`);
  events = own;
  heard = now();
  own.addEventListener("hello", ({ data }) => {
    const told = JSON.parse(data);
    if (version && told.version !== version) location.reload();
    version = told.version;
    if (connection !== "open") people.clear(); // another run numbers its people anew
    connection = "open";
    said = "";
    news = false;
    of("events").replaceChildren();
    of("no-events").hidden = false;
    forced = told.hidden;
    of("hide").disabled = forced || paused;
    pressHide();
    startStream();
  });
  own.addEventListener("now", ({ data }) => take(JSON.parse(data)));
  own.addEventListener("event", ({ data }) => addEvent(JSON.parse(data)));
  own.addEventListener("end", () => again(own, "ended"));
  own.addEventListener("error", async () => {
    own.close();
    const answer = await fetch("result.json", { cache: "no-store" }).catch(() => null);
    const reason = answer?.ok === false ? (await answer.text()).trim() : "";
    again(own, answer?.status === 401 ? "refused" : connection === "ended" ? "ended" : "lost", reason);
  });
}

function again(own, how, message = "") {
  if (own !== events) return; // another one has taken its place
  own.close();
  connection = how;
  said = message;
  stopStream();
  describe();
  clearTimeout(reconnecting);
  if (how !== "refused") reconnecting = setTimeout(connect, AGAIN);
}

function take({ sources, source, result, viewers }) {
  heard = now();
  news = true;
  state = sources.find((each) => each.id === source) ?? null;
  list(sources, source);
  of("viewers").textContent = viewers;
  if (result) people.take(result.faces, now());
  describe();
}

function list(sources, source) {
  const gone = chosen && !state;
  of("chooser").hidden = sources.length < 2 && !gone;
  of("events").classList.toggle("many", sources.length > 1);
  of("source-name").hidden = sources.length > 1;
  of("source-name").textContent = state?.name ?? "";
  const options = of("sources");
  const names = sources.map((each) => each.name).join("\n");
  if (options.dataset.names !== names) {
    options.dataset.names = names;
    options.replaceChildren(...sources.map((each) => new Option(each.name, each.id)));
    options.value = source ?? "";
  }
  if (document.activeElement !== options) options.value = source ?? "";
}

function choose(source) {
  chosen = source;
  people.clear();
  clearTimeout(reconnecting);
  events.close();
  connect();
}

// What a person reads

const STATES = {
  connecting: ["waiting", "Connecting"],
  ended: ["over", "Ended"],
  lost: ["over", "Connection lost"],
  refused: ["over", "Not allowed"],
};

function condition() {
  if (connection !== "open") return STATES[connection];
  if (paused) return ["paused", "Paused"];
  if (!state) return ["waiting", "Waiting"];
  if (state.lost) return ["over", "No picture"];
  return ["good", state.live ? "Live" : state.still ? "Photograph" : "Playing"];
}

/** A reason in a sentence that has named its source already. */
function because(reason, source) {
  const bare = reason.startsWith(`${source}: `) ? reason.slice(source.length + 2) : reason;
  return bare && `: ${bare}`;
}

function notice() {
  if (connection === "ended") return "The run has ended. This page connects again when the next one begins.";
  if (connection === "refused") return said;
  if (connection === "lost") return said || "The connection is lost. Trying again …";
  if (said) return said;
  if (connection === "open" && !state) return "Waiting for the first picture";
  if (state?.lost) return `No picture from ${state.name}${because(state.reason, state.name)}`;
  return "";
}

function write(id, text) {
  const element = of(id);
  if (element.textContent !== text) element.textContent = text; // or it would be read out again
}

function describe() {
  const [kind, text] = condition();
  of("state").className = kind;
  write("state", text);
  write("notice", picture.at || connection !== "connecting" ? notice() : "Waiting for the first picture");
  of("notice").classList.toggle("alone", connection === "open" && Boolean(state?.lost));
  const known = connection === "open" && state;
  write("fps", known ? `${Math.round(state.fps)} FPS` : "–");
  write("dropped", known ? String(state.dropped) : "–");
  if (!known) write("viewers", "–");
  document.title = state ? `${text} · ${state.name} · Expressions` : "Expressions";
  canvas.setAttribute("aria-label", state ? `Live picture of ${state.name}` : "Live picture");
  of("snapshot").href = `snapshot.jpg?${query()}`;
}

function tick() {
  if (connection === "open" && now() - heard > SILENT) again(events, "lost");
  const age = state?.lost ? state.age : picture.at ? picture.age + now() - picture.at : null;
  write("age", age === null ? "–" : age < 10 ? `${age.toFixed(2)} s` : `${Math.round(age)} s`);
  of("age").classList.toggle("old", age > 2);
  if (paused) return;
  people.draw(now());
  write("count", String(people.count));
  of("nobody").hidden = people.count > 0 || connection !== "open";
  of("no-minute").hidden = people.lines > 0;
  of("axis").hidden = people.lines === 0;
}

// Events

function seconds(duration) {
  if (duration < 60) return `${duration.toFixed(1)}\u00a0s`;
  const whole = Math.round(duration);
  return `${Math.floor(whole / 60)}\u00a0min ${whole % 60}\u00a0s`;
}

function clock(time) {
  return `${Math.floor(time / 60)}:${String(Math.floor(time % 60)).padStart(2, "0")}`;
}

function sentence(event) {
  const who = `Person ${event.track}`;
  const label = name(event.label, event.certain);
  return {
    appeared: () => [who, `appeared: ${label}`],
    changed: () => [who, `${event.from} → ${event.to} after ${seconds(event.duration)}`],
    left: () => [who, `left after ${seconds(event.duration)}`],
    source_lost: () => [event.source, `sends no picture${because(event.reason ?? "", event.source)}`],
    source_back: () => [event.source, `is back after ${seconds(event.duration)}`],
  }[event.event]();
}

function addEvent(event) {
  const [who, what] = sentence(event);
  const entry = make("li", event.event);
  const when = event.wall_time
    ? new Date(event.wall_time).toLocaleTimeString([], { hourCycle: "h23" })
    : clock(event.time);
  const text = make("span", "what");
  if (event.track) text.append(make("span", "from", `${event.source}: `)); // shown among several
  text.append(make("strong", "", who), ` ${what}`);
  entry.append(make("time", "", when), text);
  const entries = of("events");
  entries.prepend(entry);
  while (entries.childElementCount > MOST_EVENTS) entries.lastElementChild.remove();
  of("no-events").hidden = true;
  if (news) write("spoken", `${who} ${what}`);
}

// What a person presses

function press(id, down, text) {
  of(id).setAttribute("aria-pressed", down);
  of(id).querySelector("span").textContent = text;
}

function pressHide() {
  press("hide", forced || hidden, forced || hidden ? "Faces hidden" : "Hide faces");
}

of("pause").addEventListener("click", () => {
  paused = !paused;
  press("pause", paused, paused ? "Resume" : "Pause");
  of("hide").disabled = forced || paused;
  startStream();
  describe();
});

of("hide").addEventListener("click", () => {
  hidden = !hidden;
  pressHide();
  startStream();
  describe();
});

of("snapshot").addEventListener("click", (click) => {
  if (!paused) return;
  click.preventDefault(); // what stands still is what is meant
  canvas.toBlob((blob) => {
    const link = make("a");
    link.href = URL.createObjectURL(blob);
    link.download = `paused-${Date.now()}.jpg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), AGAIN);
  }, "image/jpeg", 0.9);
});

of("sources").addEventListener("change", (change) => choose(change.target.value));
document.addEventListener("visibilitychange", startStream);
setInterval(tick, 100);
connect();
