// Parts of a page that the server renders again: ask() fetches them, put() shows them, throttled() decides when.
//
// The elements of the page stay and become what the new ones are, matched by their ids. So the focus, a selection, typed
// text, an open menu or <details>, and scroll positions stay too. What a script or the reader owns is marked:
//   data-client  this element is left as it is;
//   data-steady  while the focus or the pointer is in this list, its children (by id) keep their order.
import { Idiomorph } from "../../vendor/idiomorph-0.7.4.js";
import { refreshTimes, setServerTime } from "./time.js";

const longestWait = 30000;
const focusable = "a[href], button, input, summary, textarea, [tabindex]";
const base = document.getElementById("classroom")?.dataset.address ?? "";
let signedOut = false;
let isTouched = false; // by a person, since this page last asked for something
for (const kind of ["pointerdown", "keydown", "wheel"]) {
  addEventListener(kind, () => { isTouched = true; }, { capture: true, passive: true });
}

// --- Fetching ---------------------------------------------------------------------------------------------------------

/** No usable answer has come: no connection, a logout, an error of the server. */
export class Unanswered extends Error {}

/** The requested resource no longer exists; the page itself does. */
export class Gone extends Unanswered {}

export const isSignedOut = () => signedOut;
export const parse = (text) => new DOMParser().parseFromString(text, "text/html");
const addressOf = (path) => new URL(path, new URL(base, location.href));

/** Fetches a page or a fragment of ours as a document. `path` is an address, or relative to the URL of the class. Throws
 *  `Unanswered`; `isSignedOut` says whether to try again makes sense. With `mayBeGone` a 404 is a `Gone` about this one
 *  address, and says nothing about the page. */
export async function ask(path, { mayBeGone = false, ...options } = {}) {
  const headers = { Accept: "text/html", "X-Requested-With": "fragment" };
  if (isTouched) headers["X-Activity"] = "person"; // requests without user activity do not extend the session
  isTouched = false;
  let response, text;
  try {
    response = await fetch(addressOf(path), { headers, ...options });
    text = await response.text();
  } catch (cause) {
    throw new Unanswered("no connection", { cause });
  }
  if (mayBeGone && response.status === 404) throw new Gone("gone");
  // Logged out, or no longer one of the class: only a new page can tell.
  if (response.redirected || response.status === 403 || response.status === 404) signedOut = true;
  else if (response.ok) signedOut = false;
  if (!response.ok || signedOut) throw new Unanswered(`answer ${response.status}`);
  const page = parse(text);
  setServerTime(page.querySelector("[data-now]")?.dataset.now); // now: what shows the page may do so later
  return page;
}

/** Sends a form or a button's values as a POST of ours; the answer is the caller's to read. */
export function post(path, fields = {}) {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
  const headers = { "X-CSRFToken": token, "X-Requested-With": "fragment" };
  return fetch(addressOf(path), { method: "POST", headers, body: new URLSearchParams(fields) });
}

/** A function that runs `work` soon after it is called, never twice at once and not more often than every `pause` ms.
 *  Where `work` was `Unanswered`, it runs again by itself, after one, two, four … seconds; not when signed out. */
export function throttled(work, pause) {
  let last = -Infinity;
  let timer = 0;
  let running = false;
  let again = false;
  let failures = 0;
  async function run() {
    running = true;
    again = false;
    last = performance.now();
    try {
      await work();
      failures = 0;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      failures += 1;
      if (!signedOut) timer = setTimeout(run, Math.min(500 * 2 ** failures, longestWait));
    } finally {
      running = false;
      if (again) call();
    }
  }
  function call() {
    again = running;
    if (running) return;
    clearTimeout(timer);
    timer = setTimeout(run, Math.max(0, last + pause - performance.now()));
  }
  return call;
}

// --- Showing ----------------------------------------------------------------------------------------------------------

/** What the reader has typed, ticked or opened; and the mark of who is in the drawer. */
function isReaders(name, element) {
  return (name === "open" && element.matches("details, dialog"))
    || (name === "aria-current" && element.matches("[data-drawer]"))
    || (name === "value" && element.matches("input, textarea") && element.value !== element.defaultValue)
    || (name === "checked" && element.checked !== element.defaultChecked);
}

function keepOrder(list, fresh) {
  const places = [...list.children].map((child) => child.id);
  const place = (child) => (places.includes(child.id) ? places.indexOf(child.id) : places.length);
  fresh?.append(...[...fresh.children].sort((a, b) => place(a) - place(b)));
}

/** What makes a control the same one for who has the focus on it. */
const identity = (element) => element.getAttribute("href") ?? (element.localName === "button" ? element.value : null);

/** The focus stays on its control; where that is gone, it moves to the same control of the entry, the entry, what is around. */
function keepFocus(root, change) {
  const focused = document.activeElement;
  const wanted = identity(focused);
  const around = [];
  for (let place = focused; root.contains(place); place = place.parentElement) if (place.id) around.push(place.id);
  change();
  if (document.activeElement === focused && identity(focused) === wanted) return;
  const places = around.map((id) => document.getElementById(id)).filter(Boolean);
  const inside = places.flatMap((place) => [place, ...place.querySelectorAll(focusable)].filter((one) => one.matches(focusable)));
  const isSame = (one) => (wanted === null ? one === focused : identity(one) === wanted);
  const found = [...inside.filter(isSame), ...inside].find((one) => one.checkVisibility() && !one.disabled);
  found?.focus({ preventScroll: true });
}

/** Makes `old`, an element of the page, what `fresh` is, an element of a fetched document. `isGone(element)` returns false
 *  for what shall stay although it is no longer there. */
export function morph(old, fresh, { isGone = () => true } = {}) {
  for (const list of old.querySelectorAll("[data-steady]:is(:focus-within, :hover)")) keepOrder(list, fresh.querySelector(`#${list.id}`));
  const callbacks = {
    beforeNodeMorphed: (element) => element.dataset?.client === undefined,
    beforeNodeRemoved: isGone,
    beforeAttributeUpdated: (name, element) => !isReaders(name, element),
  };
  const change = () => Idiomorph.morph(old, fresh, { restoreFocus: false, callbacks });
  if (old.contains(document.activeElement)) keepFocus(old, change);
  else change();
  refreshTimes(old);
}

/** Puts the elements of a fetched page with these ids in the place of ours. */
export function put(page, ...ids) {
  for (const id of ids) morph(document.getElementById(id), page.getElementById(id));
}
