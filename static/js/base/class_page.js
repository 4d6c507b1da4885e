// Shared by all live class pages: the socket, the texts for scripts, and the age of the data.
//
// follow({ onOpen, onFrame }) listens to the socket of the class. A page fetches with ask() of fragments.js, so that the
// end of a session is detected and announced once.
import { ask, isSignedOut } from "./fragments.js";
import { connect } from "./socket.js";
import { keepTimes, setServerTime, span } from "./time.js";

export const room = document.getElementById("classroom");
export const texts = JSON.parse(document.getElementById("live-texts").textContent);
export const isProjected = "projector" in document.documentElement.dataset;
const freshness = document.getElementById("freshness");
const agedAfter = 30000; // older data is marked as outdated while the connection is lost
const listeners = new Set();
let lastState = "connecting";
let begun = false;

function showFreshness(state, heardAt) {
  if (!freshness) return; // a page that shows no live data of its own
  const signedOut = isSignedOut();
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

function begin() {
  if (begun) return;
  begun = true;
  setServerTime(room.dataset.now);
  keepTimes();
  const tell = (name, frame) => { for (const listener of [...listeners]) listener[name]?.(frame); };
  const onFrame = (frame) => { if (!isSignedOut()) tell("onFrame", frame); };
  const onShutOut = () => ask(location.href).catch(() => {}); // it detects and announces the logout
  connect({ path: room.dataset.socket, onOpen: () => tell("onOpen"), onFrame, onState: showFreshness, onShutOut });
}
