// The attention board and the help queue: both lists are rendered by the server, and fetched again after changes.
//
// The response to a click contains the new lists. Lists that arrive while the pointer is over them wait a moment, so
// that no button moves away.
import { offer } from "../base/actions.js";
import { showClaims } from "../live/cards.js";
import { showAlerts } from "./help_signal.js";
import { room, texts } from "../base/class_page.js";
import { ask, parse, post, put, throttled } from "../base/fragments.js";

const afterRows = 2000;
const afterActs = 250;
const otherwise = 15000;
const restAfterPointer = 700;
const longestRest = 2500;
const lists = document.getElementById("attention-lists");
let asked = 0;
let shown = 0;
let pointerAt = 0;
let onShown = () => {};
let current = null; // the student whose entry the shortcuts mean

const entries = () => [...lists.querySelectorAll("[data-alert-cases] > [data-alert-case]")];

/** The shortcuts press the buttons of one entry: the first, until "next" moves on; "helped" means the one I go to. */
function aim() {
  const all = entries();
  const entry = all.find((one) => one.dataset.alertCase === current) ?? all[0];
  current = entry?.dataset.alertCase ?? null;
  for (const button of lists.querySelectorAll("[data-shortcut]")) delete button.dataset.shortcut;
  for (const one of all) one.toggleAttribute("data-current", one === entry && all.length > 1);
  const give = (where, name) => {
    const button = where?.querySelector(`[data-action="${name}"]`);
    if (button) button.dataset.shortcut = name;
  };
  for (const name of ["claim", "snooze", "dismiss"]) give(entry, name);
  give(lists.querySelector("[data-alert-case][data-mine]") ?? entry, "resolve");
}

function moveOn() {
  const all = entries();
  if (!all.length) return false;
  const index = all.findIndex((one) => one.dataset.alertCase === current);
  const next = all[(index + 1) % all.length];
  current = next.dataset.alertCase;
  aim();
  next.focus();
  return true;
}

function show(page) {
  put(page, "attention-lists");
  const said = page.getElementById("attention-said").textContent;
  if (said) say(said);
  aim();
  showAlerts(lists);
  showClaims(claims());
  onShown();
}

/** The status line stays as it is until there is news: only then a screen reader tells what is new in it. */
function say(sentence) {
  const place = document.getElementById("attention-said");
  place.hidden = false;
  place.textContent = sentence;
}

/** The claims in the lists. */
function claims() {
  const found = new Map();
  for (const entry of lists.querySelectorAll("[data-alert-case], [data-help-for]")) {
    const claim = entry.querySelector(".alert-case-claim");
    if (claim) found.set(entry.dataset.alertCase ?? entry.dataset.helpFor, claim.textContent.trim());
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
  const page = await ask("attention/");
  await rest();
  if (mine < shown) return; // a later answer is there already
  shown = mine;
  show(page);
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
    lists.querySelector(":popover-open")?.hidePopover();
    show(parse(await response.text()));
  } catch {
    for (const one of form.querySelectorAll("button")) one.removeAttribute("aria-disabled");
    say(texts.notSent);
  }
}

export const askAfterRows = throttled(load, afterRows);
export const askNow = throttled(load, afterActs);

/** `shownAgain` is called whenever the lists are new. */
export function keepAttention(shownAgain) {
  onShown = shownAgain;
  room.addEventListener("submit", (event) => {
    if (event.submitter?.getAttribute("aria-disabled") === "true") event.preventDefault();
    else act(event);
  });
  offer("next", moveOn);
  room.addEventListener("pointermove", (event) => {
    if (event.target.closest("#attention-lists form")) pointerAt = performance.now();
  }, { passive: true });
  aim();
  showAlerts(lists, { isFirst: true });
  setInterval(askAfterRows, otherwise);
}
