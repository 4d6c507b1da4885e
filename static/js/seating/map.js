// The marks of teams on the map: dragged with the pointer, moved with the keyboard, saved at once.
//
// A mark moves before it is saved; if that fails, it moves back and the page says so.
import { room, texts } from "../base/class_page.js";
import { post } from "../base/fragments.js";

const step = 1; // percent an arrow key moves a mark
const bigStep = 5; // with Shift
const keyPause = 400; // ms after the last arrow key
const reach = 4; // px a pointer may tremble and still click
const margin = 24; // px beside the map that still count as on it
const problem = document.getElementById("map-problem");
const announcements = document.getElementById("announcements");
const unsaved = new Map(); // team → number of its latest move
let moves = 0;
let dragged = null;
let keyed = null; // the team that the arrow keys move, where it was, and the timer to save it
let onChange = () => {};

const section = () => document.getElementById("map");
const surface = () => document.getElementById("marks");
export const marks = () => [...surface()?.querySelectorAll("[data-mark]") ?? []];
export const markOf = (team) => marks().find((mark) => mark.dataset.mark === team);
export const isMoving = () => Boolean(dragged || keyed || unsaved.size);

const isMovable = () => "movable" in section().dataset;
const isPlaced = (mark) => !("unplaced" in mark.dataset);
const placeOf = (mark) => (isPlaced(mark) ? { x: parseFloat(mark.getAttribute("x")), y: parseFloat(mark.getAttribute("y")) } : null);
const onMap = (percent) => Math.round(Math.min(100, Math.max(0, percent)) * 100) / 100;

function put(mark, place) {
  mark.toggleAttribute("data-unplaced", !place);
  if (!place) return;
  mark.setAttribute("x", `${place.x}%`);
  mark.setAttribute("y", `${place.y}%`);
}

function say(sentence, team, place) {
  const words = sentence.replace("{x}", Math.round(place?.x)).replace("{y}", Math.round(place?.y));
  announcements.textContent = words.replace("{team}", () => nameOf(team)); // a name may hold `$&`
}

function nameOf(team) {
  return team === texts.wireNoTeam ? texts.noTeam : team;
}

function complain(sentence) {
  problem.textContent = sentence;
  problem.hidden = !sentence;
}

/** Saves where a team is now; null takes it off. `from` is where it goes back to when that fails. */
async function save(team, place, from) {
  const move = moves += 1;
  unsaved.set(team, move);
  const fields = { map: section().dataset.map, team, ...place };
  let isSaved = false;
  try {
    isSaved = (await post(place ? "room/map/place/" : "room/map/take-off/", fields)).ok;
  } catch { /* said below */ }
  if (unsaved.get(team) !== move) return; // it moved again, and that move tells how it ends
  unsaved.delete(team);
  if (isSaved) {
    complain("");
  } else {
    const mark = markOf(team);
    if (mark) put(mark, from);
    complain(texts.notSaved.replace("{team}", () => nameOf(team)));
  }
  onChange();
}

// --- Pointer ---------------------------------------------------------------------------------------------------------

function grab(event) {
  const held = event.target.closest?.("[data-mark], [data-tray]");
  if (!held || !event.isPrimary || event.button !== 0 || !surface() || !isMovable() || event.target.closest("form")) return;
  const mark = held.dataset.mark === undefined ? markOf(held.dataset.tray) : held;
  if (!mark) return;
  const from = placeOf(mark);
  const area = surface().getBoundingClientRect();
  const grip = from
    ? { x: event.clientX - area.left - (from.x / 100) * area.width, y: event.clientY - area.top - (from.y / 100) * area.height }
    : { x: 0, y: 0 };
  dragged = { mark, from, grip, pointer: event.pointerId, startX: event.clientX, startY: event.clientY, hasMoved: false };
}

function drag(event) {
  if (dragged?.pointer !== event.pointerId) return;
  const { mark, from, grip, startX, startY } = dragged;
  if (!dragged.hasMoved && Math.hypot(event.clientX - startX, event.clientY - startY) < reach) return;
  dragged.hasMoved = true;
  mark.dataset.dragged = "";
  const area = surface().getBoundingClientRect();
  const isOver = event.clientX > area.left - margin && event.clientX < area.right + margin
    && event.clientY > area.top - margin && event.clientY < area.bottom + margin;
  if (!isOver && !from) return put(mark, null);
  return put(mark, {
    x: onMap(((event.clientX - grip.x - area.left) / area.width) * 100),
    y: onMap(((event.clientY - grip.y - area.top) / area.height) * 100),
  });
}

function drop(event) {
  if (dragged?.pointer !== event.pointerId) return;
  const { mark, from, hasMoved } = dragged;
  dragged = null;
  delete mark.dataset.dragged;
  if (!hasMoved) return;
  if (event.type === "pointercancel") return put(mark, from);
  addEventListener("click", stop, { capture: true, once: true }); // what was dragged was not clicked
  setTimeout(() => removeEventListener("click", stop, { capture: true }));
  const place = placeOf(mark);
  if (!place) return;
  say(texts.moved, mark.dataset.mark, place);
  save(mark.dataset.mark, place, from);
}

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

// --- Keyboard --------------------------------------------------------------------------------------------------------

const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function press(event) {
  if (event.key === "Escape" && dragged) {
    put(dragged.mark, dragged.from);
    delete dragged.mark.dataset.dragged;
    dragged = null;
    return;
  }
  const mark = event.target.closest?.("[data-mark]");
  if (!mark || !isMovable() || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in ways) {
    event.preventDefault();
    nudge(mark, ways[event.key], event.shiftKey ? bigStep : step);
  } else if (event.key === "Delete") {
    event.preventDefault();
    const from = placeOf(mark);
    put(mark, null);
    say(texts.takenOff, mark.dataset.mark, null);
    save(mark.dataset.mark, null, from);
  }
}

function nudge(mark, [right, down], size) {
  const team = mark.dataset.mark;
  const now = placeOf(mark);
  if (keyed?.team !== team) {
    finishKeys();
    keyed = { team, from: now, timer: 0 };
  }
  put(mark, { x: onMap(now.x + right * size), y: onMap(now.y + down * size) });
  clearTimeout(keyed.timer);
  keyed.timer = setTimeout(finishKeys, keyPause);
}

function finishKeys() {
  if (!keyed) return;
  const { team, from, timer } = keyed;
  clearTimeout(timer);
  keyed = null;
  const mark = markOf(team);
  if (!mark) return;
  say(texts.moved, team, placeOf(mark));
  save(team, placeOf(mark), from);
}

// --- Forms, and other browsers ---------------------------------------------------------------------------------------

/** The forms of one team, without leaving the page. */
async function submit(event) {
  const form = event.target.closest("form[data-map-form]");
  if (!form) return;
  event.preventDefault();
  try {
    const answer = await post(form.getAttribute("action"), Object.fromEntries(new FormData(form)));
    if (!answer.ok && answer.status !== 400) throw new Error(`answer ${answer.status}`);
    const { message = "" } = await answer.json();
    complain(message);
    onChange(answer.ok ? form.elements.team.value : undefined);
  } catch {
    complain(texts.notSaved.replace("{team}", () => nameOf(form.elements.team.value)));
  }
}

/** Applies moves of other browsers, except for teams that are being moved on this page. */
export function applyPositions(positions) {
  for (const [team, place] of Object.entries(positions)) {
    const mark = markOf(team);
    const isHeld = dragged?.mark === mark || keyed?.team === team || unsaved.has(team);
    if (mark && !isHeld) put(mark, place);
  }
}

/** `changed(team)` is called when something was saved or given up; `team` is one that deserves the focus. */
export function startMap(changed) {
  onChange = changed;
  document.addEventListener("pointerdown", grab);
  document.addEventListener("pointermove", drag);
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);
  document.addEventListener("keydown", press);
  document.addEventListener("submit", submit);
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.("#map")) event.preventDefault(); });
  addEventListener("pagehide", finishKeys);
  room.addEventListener("focusout", (event) => { if (event.target.closest?.("[data-mark]")) finishKeys(); });
}
