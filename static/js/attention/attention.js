// The attention board and the help queue: both lists are rendered by the server, and fetched again after changes.
//
// The response to a click contains the new lists. Lists that arrive while the pointer is over them wait a moment, so
// that no button moves away; the focus is restored by student and button.
import { offer } from "../base/actions.js";
import { showClaims } from "../live/cards.js";
import { showAlerts } from "./help_signal.js";
import { ask, post, room, texts, throttled } from "../base/class_page.js";
import { refreshClocks, refreshTimes } from "../base/time.js";

const afterRows = 2000;
const afterActs = 250;
const otherwise = 15000;
const restAfterPointer = 700;
const longestRest = 2500;
const lists = () => document.getElementById("attention-lists");
let asked = 0;
let shown = 0;
let pointerAt = 0;
let current = null; // the student whose entry the shortcuts mean

const entries = () => [...lists().querySelectorAll("[data-concerns] > [data-concern]")];

/** The shortcuts press the buttons of one entry: the first, until "next" moves on; "helped" means the one I go to. */
function aim() {
  const all = entries();
  const entry = all.find((one) => one.dataset.concern === current) ?? all[0];
  current = entry?.dataset.concern ?? null;
  for (const button of lists().querySelectorAll("[data-shortcut]")) delete button.dataset.shortcut;
  for (const one of all) one.toggleAttribute("data-current", one === entry && all.length > 1);
  const give = (where, name) => {
    const button = where?.querySelector(`[data-action="${name}"]`);
    if (button) button.dataset.shortcut = name;
  };
  for (const name of ["claim", "snooze", "dismiss"]) give(entry, name);
  give(lists().querySelector("[data-concern][data-mine]") ?? entry, "resolve");
}

function moveOn() {
  const all = entries();
  if (!all.length) return false;
  const index = all.findIndex((one) => one.dataset.concern === current);
  const next = all[(index + 1) % all.length];
  current = next.dataset.concern;
  aim();
  next.focus();
  return true;
}

function placeOfFocus() {
  const focused = document.activeElement;
  if (!lists().contains(focused)) return null;
  const entry = focused.closest("li[id]");
  return { id: focused.id || null, entry: entry?.id, kind: focused.localName, act: focused.value || null };
}

function restoreFocus(place) {
  if (!place) return;
  const entry = place.entry && document.getElementById(place.entry);
  const exact = place.id && document.getElementById(place.id);
  const same = entry?.querySelector(place.act ? `button[value="${CSS.escape(place.act)}"]` : place.kind);
  const others = [...(entry?.querySelectorAll("button, a") ?? []), document.getElementById("attention-said"), ...lists().querySelectorAll("a, button")];
  const seen = [exact, same, ...others].find((one) => one?.checkVisibility());
  seen?.focus({ preventScroll: true });
}

/** A menu that is open stays open in the lists that take these lists' place. */
function keepMenu(old, put) {
  const entry = old.querySelector("[data-menu][open]")?.closest("li")?.id;
  put();
  const menu = entry && document.getElementById(entry)?.querySelector("[data-menu]");
  if (menu) menu.open = true;
}

function swap(page) {
  const fresh = page.getElementById("attention-lists");
  if (!fresh) return;
  const said = document.getElementById("attention-said");
  const news = fresh.querySelector("#attention-said");
  const place = placeOfFocus();
  const old = lists();
  // The status line stays the same element: only then a screen reader tells what is new in it.
  keepMenu(old, () => {
    for (const section of ["attention", "help"]) {
      old.querySelector(`#${section}`).replaceWith(document.importNode(fresh.querySelector(`#${section}`), true));
    }
  });
  if (news.textContent) say(news.textContent, said);
  refreshTimes(old);
  refreshClocks(old);
  aim();
  restoreFocus(place);
  showAlerts(old);
  showClaims(claims(old));
}

function say(sentence, place = document.getElementById("attention-said")) {
  place.hidden = false;
  place.textContent = sentence;
}

/** The claims in the lists. */
function claims(root) {
  const found = new Map();
  for (const entry of root.querySelectorAll("[data-concern], [data-help-for]")) {
    const claim = entry.querySelector(".concern-claim");
    if (claim) found.set(entry.dataset.concern ?? entry.dataset.helpFor, claim.textContent.trim());
  }
  return found;
}

const pause = (length) => new Promise((done) => { setTimeout(done, length); });

async function rest() {
  const since = performance.now();
  while (performance.now() - pointerAt < restAfterPointer && performance.now() - since < longestRest) await pause(100);
}

async function load() {
  asked += 1;
  const mine = asked;
  try {
    const page = await ask("attention/");
    await rest();
    if (mine < shown) return; // a later answer is there already
    shown = mine;
    swap(page);
  } catch { /* its age says so, and it is asked again */ }
}

async function act(event) {
  const form = event.target.closest("form[data-act]");
  if (!form) return;
  event.preventDefault();
  const button = event.submitter;
  asked += 1;
  const mine = asked;
  for (const one of form.querySelectorAll("button")) one.setAttribute("aria-disabled", "true");
  try {
    const response = await post(form.getAttribute("action"), { act: button.value });
    if (response.redirected || ![200, 409].includes(response.status)) throw new Error(`answer ${response.status}`);
    shown = Math.max(shown, mine);
    for (const menu of lists().querySelectorAll("[data-menu][open]")) menu.open = false;
    swap(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    for (const one of form.querySelectorAll("button")) one.removeAttribute("aria-disabled");
    say(texts.notSent);
  }
}

export const askAfterRows = throttled(load, afterRows);
export const askNow = throttled(load, afterActs);

export function keepAttention() {
  room.addEventListener("submit", (event) => {
    if (event.submitter?.getAttribute("aria-disabled") === "true") event.preventDefault();
    else act(event);
  });
  offer("next", moveOn);
  room.addEventListener("pointermove", (event) => {
    if (event.target.closest("#attention-lists form")) pointerAt = performance.now();
  }, { passive: true });
  aim();
  showAlerts(lists(), { isFirst: true });
  setInterval(askAfterRows, otherwise);
}
