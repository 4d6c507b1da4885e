// Somebody is dragged to another seat, from the list to a seat, or from a seat to the list. Where somebody sits already,
// the two swap. The forms of "Who sits where" do the same without a pointer.
import { texts } from "../base/class_page.js";
import { post } from "../base/fragments.js";

const reach = 5; // px a pointer may tremble and still click
const problem = document.getElementById("seat-problem");
const announcements = document.getElementById("announcements");
let dragged = null;
let onChange = () => {};

export const isDragging = () => Boolean(dragged?.hasMoved);

const isMovable = () => document.querySelector(".plan-seats[data-movable]") !== null;

function grab(event) {
  const held = event.target.closest?.("[data-sitter]");
  if (!held || !event.isPrimary || event.button !== 0 || !isMovable()) return;
  if (held.matches(".member") && event.pointerType === "touch") return; // the list scrolls
  dragged = { held, pointer: event.pointerId, startX: event.clientX, startY: event.clientY, hasMoved: false, x: held.getAttribute("x"), y: held.getAttribute("y") };
}

/** The seat, or the list of those without one, below the pointer; not what is dragged. */
function targetAt(event) {
  return document.elementFromPoint(event.clientX, event.clientY)?.closest(".plan-seats[data-movable] [data-seat], [data-unseated]") ?? null;
}

function drag(event) {
  if (dragged?.pointer !== event.pointerId) return;
  const { held, startX, startY } = dragged;
  if (!dragged.hasMoved && Math.hypot(event.clientX - startX, event.clientY - startY) < reach) return;
  dragged.hasMoved = true;
  held.dataset.dragged = "";
  if (held.dataset.seat) {
    const area = held.closest(".plan-seats").getBoundingClientRect();
    held.setAttribute("x", `${((event.clientX - area.left) / area.width) * 100}%`);
    held.setAttribute("y", `${((event.clientY - area.top) / area.height) * 100}%`);
  }
  mark(targetAt(event));
}

function mark(target) {
  for (const one of document.querySelectorAll("[data-target]")) if (one !== target) delete one.dataset.target;
  if (target && target !== dragged?.held) target.dataset.target = "";
}

function drop(event) {
  if (dragged?.pointer !== event.pointerId) return;
  const { held, hasMoved } = dragged;
  const target = event.type === "pointerup" && hasMoved ? targetAt(event) : null;
  giveBack();
  if (!hasMoved) return;
  addEventListener("click", stop, { capture: true, once: true }); // what was dragged was not clicked
  setTimeout(() => removeEventListener("click", stop, { capture: true }));
  if (target && target !== held) save(held, target);
}

/** Shows what was dragged where it was; a saved move comes back with the state. */
function giveBack() {
  const { held, x, y } = dragged;
  delete held.dataset.dragged;
  if (held.dataset.seat) {
    held.setAttribute("x", x);
    held.setAttribute("y", y);
  }
  dragged = null;
  mark(null);
}

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

async function save(held, target) {
  const from = held.closest("[data-room]")?.dataset.room;
  const to = target.closest("[data-room]")?.dataset.room ?? from;
  if (!to) return;
  const { sitter: student, name } = held.dataset;
  const { seat, label } = target.dataset;
  let isSaved = false;
  try {
    isSaved = (await post(`room/rooms/${to}/people/`, { act: "place", student, ...(seat ? { seat } : {}) })).ok;
  } catch { /* said below */ }
  problem.textContent = isSaved ? "" : texts.notSaved;
  problem.hidden = isSaved;
  if (isSaved) announcements.textContent = (seat ? texts.placed : texts.seatFreed).replace("{seat}", () => label).replace("{name}", () => name);
  onChange();
}

/** `changed()` is called when somebody was placed, or could not be. */
export function startDragging(changed) {
  onChange = changed;
  if (!isMovable()) return;
  document.getElementById("state").dataset.draggable = "";
  for (const hint of document.querySelectorAll("[data-hint]")) hint.hidden = false;
  document.addEventListener("pointerdown", grab);
  document.addEventListener("pointermove", drag);
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && dragged) giveBack(); });
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.("#state")) event.preventDefault(); });
}
