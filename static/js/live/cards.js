// The cards: updating, moving and ageing them. The markup always comes from the server.
import { isProjected } from "../base/class_page.js";
import { morph } from "../base/fragments.js";
import { ago, refreshTimes, serverNow } from "../base/time.js";

const grid = document.getElementById("cards");
const moveEvery = 2000;
const mostSlides = 12; // if more cards move at once, they are not animated
const restAfterPointer = 1500;
const longestRest = 10000;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const waiting = new Set(); // cards whose place is out of date
let waitingSince = 0;
let pointerAt = 0;
let texts;

export const all = () => [...grid.children];
export const byId = (id) => document.getElementById(`student-${id}`);
export const byEmail = (email) => all().find((card) => card.dataset.email === email);

export function patch(root, name, text) {
  const element = root.querySelector(`[data-field="${name}"]`);
  if (element && element.textContent !== String(text)) element.textContent = text;
  return element;
}

export const nameOf = (card) => card.querySelector('[data-field="name"]').textContent;
/** By reading where there is one, then by name: as `cards` in classroom/base/student_cards.py. */
const order = ({ dataset }, name) => (dataset.reading ? `0${dataset.reading}` : `1${name.toLowerCase()}`);

function before(a, b) {
  const ranks = texts.ranks[a.dataset.status] - texts.ranks[b.dataset.status];
  if (ranks) return ranks < 0;
  const [first, second] = [order(a, nameOf(a)), order(b, nameOf(b))];
  return first === second ? Number(a.dataset.student) < Number(b.dataset.student) : first < second;
}

export function setStatus(card, status) {
  if (card.dataset.status === status || !(status in texts.statuses)) return;
  card.dataset.status = status;
  card.querySelector(".card-status use").setAttribute("href", `#status-${status}`);
  patch(card, "status", texts.statuses[status]);
  if (!waiting.size) waitingSince = Date.now();
  waiting.add(card);
}

export function applyRow(card, row) {
  const path = row.currentNotebook === texts.wireNoNotebook ? "" : row.currentNotebook;
  if (!isProjected) patch(card, "name", row.userName);
  patch(card, "team", row.teamName === texts.wireNoTeam ? texts.noTeam : row.teamName);
  card.querySelector(".card-where").toggleAttribute("data-teamless", row.teamName === texts.wireNoTeam);
  patch(card, "notebook", path.split("/").pop() || texts.noNotebook).title = path;
  patch(card, "runs", row.cellExecutions);
  patch(card, "errors", row.errorCount);
  patch(card, "consecutive", row.consecutiveErrorCount);
  card.querySelector("[data-consecutive]").hidden = !row.hasSignificantError;
  card.dataset.activity = row.lastActivityAt ?? "";
  card.dataset.helpSince = row.helpRequestedAt ?? "";
  const time = card.querySelector("time[data-ago]");
  time.dateTime = row.lastActivityAt ?? "";
  time.textContent = row.lastActivityAt ? ago(Date.parse(row.lastActivityAt)) : texts.never;
  setStatus(card, row.status);
}

/** Puts a card from the server into the grid, over the one of the same student. */
export function adopt(card) {
  const old = byId(card.dataset.student);
  if (!old) {
    const fresh = document.importNode(card, true);
    refreshTimes(fresh);
    return place(fresh);
  }
  const moved = old.dataset.status !== card.dataset.status;
  waiting.delete(old);
  morph(old, card);
  return moved && place(old);
}

/** Shows who is on the way: `claims` maps student ids to a text; other students are unclaimed. */
export function showClaims(claims) {
  for (const { dataset } of all()) showClaim(dataset.student, claims.get(dataset.student) ?? "");
}

export function showClaim(id, sentence) {
  const card = byId(id);
  if (!card) return;
  patch(card, "claim", sentence);
  card.querySelector("[data-claim]").hidden = !sentence;
}

export function remove(card) {
  waiting.delete(card);
  card.remove();
}

function place(card) {
  const next = all().find((other) => other !== card && !waiting.has(other) && before(card, other)) ?? null;
  if (next === card.nextElementSibling && card.parentNode === grid) return;
  const focused = card.contains(document.activeElement) ? document.activeElement : null;
  grid.insertBefore(card, next);
  focused?.focus({ preventScroll: true });
}

/** A card must not move while the user reaches for it: wait for the pointer to rest, up to a limit. */
function mustWait() {
  const now = Date.now();
  const inUse = now - pointerAt < restAfterPointer || grid.contains(document.activeElement);
  return inUse && now - waitingSince < longestRest;
}

function move() {
  if (!waiting.size || mustWait()) return;
  const moving = [...waiting].filter((card) => card.isConnected);
  const slides = !calm.matches && moving.length <= mostSlides;
  const places = new Map(!slides ? [] : moving.map((card) => [card, card.getBoundingClientRect()]));
  for (const card of moving) {
    waiting.delete(card);
    place(card);
  }
  waiting.clear();
  for (const [card, from] of places) {
    const to = card.getBoundingClientRect();
    const slide = `translate(${from.left - to.left}px, ${from.top - to.top}px)`;
    if (from.top !== to.top || from.left !== to.left) card.animate([{ transform: slide }, { transform: "none" }], { duration: 350, easing: "ease-out" });
  }
}

/** The same windows as events/student_status.py: a failure colours for a while, then activity itself grows old. */
export function decay({ activeSeconds, errorSeconds }) {
  const now = serverNow();
  let changed = false;
  for (const card of all()) {
    const limit = { error: errorSeconds, active: activeSeconds }[card.dataset.status];
    if (!limit || now - Date.parse(card.dataset.activity) < limit * 1000) continue;
    setStatus(card, "idle");
    changed = true;
  }
  return changed;
}

export function keepCards(words) {
  texts = words;
  grid.addEventListener("pointermove", () => { pointerAt = Date.now(); }, { passive: true });
  setInterval(move, moveEvery);
}
