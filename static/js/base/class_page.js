// Shared by all live class pages: the socket, the texts for scripts, and the age of the data.
//
// startRoom({ onOpen, onFrame }) opens the socket of the class; follow() adds a listener. A page fetches
// with ask(), so that the end of a session is detected and announced once.
import { connect } from "./socket.js";
import { keepTimes, setServerTime, span } from "./time.js";

export const room = document.getElementById("classroom");
export const texts = JSON.parse(document.getElementById("live-texts").textContent);
export const isProjected = "projector" in document.documentElement.dataset;
const freshness = document.getElementById("freshness");
const agedAfter = 30000; // older data is marked as outdated while the connection is lost
const listeners = new Set();
let signedOut = false;
let lastState = "connecting";
let begun = false;
let isTouched = false; // by a person, since this page last asked for something
for (const kind of ["pointerdown", "keydown", "wheel"]) {
  addEventListener(kind, () => { isTouched = true; }, { capture: true, passive: true });
}

/** The requested resource no longer exists; the page itself does. */
export class Gone extends Error {}

export const isSignedOut = () => signedOut;

/** Fetches a page or a fragment of ours as a document. Throws on failure; `isSignedOut` says whether to
 *  try again makes sense. `path` is an address, or relative to the URL of the class. With `mayBeGone` a 404 is a
 *  `Gone` about this one address, and says nothing about the page. */
export async function ask(path, { mayBeGone = false, ...options } = {}) {
  const address = new URL(path, new URL(room.dataset.address, location.href));
  const headers = { Accept: "text/html", "X-Requested-With": "fragment" };
  if (isTouched) headers["X-Activity"] = "person"; // requests without user activity do not extend the session
  isTouched = false;
  const response = await fetch(address, { headers, ...options });
  if (mayBeGone && response.status === 404) throw new Gone("gone");
  if (response.redirected || response.status === 403 || response.status === 404) {
    signedOut = true; // logged out, or no longer one of the class: only a new page can tell
    throw new Error("signed out");
  }
  if (!response.ok) throw new Error(`answer ${response.status}`);
  signedOut = false;
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Sends a form or a button's values as a POST of ours; the answer is the caller's to read. */
export function post(path, fields = {}) {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
  const address = new URL(path, new URL(room.dataset.address, location.href));
  const headers = { "X-CSRFToken": token, "X-Requested-With": "fragment" };
  return fetch(address, { method: "POST", headers, body: new URLSearchParams(fields) });
}

function showFreshness(state, heardAt) {
  if (!freshness) return; // a page that shows no live data of its own
  const now = signedOut ? "stale" : state;
  freshness.dataset.state = now;
  const age = texts.age.replace("{age}", span(Date.now() - heardAt));
  const words = { live: texts.live, stale: age, connecting: texts.connecting, reconnecting: `${texts.reconnecting} ${age}` }[state];
  const sentence = signedOut ? texts.signedOut : words;
  const place = freshness.querySelector("[data-freshness]");
  if (place.textContent !== sentence) place.textContent = sentence;
  freshness.querySelector("[data-again]")?.toggleAttribute("hidden", !signedOut);
  room.toggleAttribute("data-aged", signedOut || (now !== "live" && Date.now() - heardAt > agedAfter));
  announceLine(signedOut ? "signedOut" : now);
}

/** Announced once per change, not every second. */
function announceLine(state) {
  const sentence = { reconnecting: texts.lineLost, signedOut: texts.signedOut, live: texts.lineBack }[state];
  const isNew = state !== lastState && (state !== "live" || lastState === "reconnecting");
  lastState = state;
  if (isNew && sentence) document.getElementById("announcements").textContent = sentence;
}

/** Adds a listener to the page's socket: `onOpen()` after every gap, `onFrame(frame)`. Returns a function that ends it. A page that
 *  has not opened the socket gets it opened. */
export function follow(listener) {
  listeners.add(listener);
  begin();
  return () => listeners.delete(listener);
}

export function startRoom(listener) {
  follow(listener);
}

function begin() {
  if (begun) return;
  begun = true;
  setServerTime(room.dataset.now);
  keepTimes();
  const tell = (name, frame) => { for (const listener of [...listeners]) listener[name]?.(frame); };
  const onFrame = (frame) => { if (!signedOut) tell("onFrame", frame); };
  const onShutOut = () => ask(location.href).catch(() => {}); // it detects and announces the logout
  connect({ path: room.dataset.socket, onOpen: () => tell("onOpen"), onFrame, onState: showFreshness, onShutOut });
}

/** A function that runs `work` soon after it is called, never twice at once and not more often than every `pause` ms:
 *  for parts of a page that the server draws again when something has changed. */
export function throttled(work, pause) {
  let last = -Infinity;
  let timer = 0;
  let running = false;
  let again = false;
  async function run() {
    timer = 0;
    running = true;
    again = false;
    last = performance.now();
    try {
      await work();
    } finally {
      running = false;
      if (again) call();
    }
  }
  function call() {
    if (running) again = true;
    else timer ||= setTimeout(run, Math.max(0, last + pause - performance.now()));
  }
  return call;
}
