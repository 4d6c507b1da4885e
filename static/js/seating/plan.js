// The seats of a room on its plan: dragged with the pointer or moved with the arrow keys, saved at once. The form of all
// seats below does the same without a script.
import { texts } from "../base/class_page.js";
import { post } from "../base/fragments.js";

const step = 0.5; // percent an arrow key moves a seat
const bigStep = 4; // with Shift
const keyPause = 400; // ms after the last arrow key
const reach = 4; // px a pointer may tremble
const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const layout = document.getElementById("layout");
const form = document.getElementById("seat-rows");
const problem = document.getElementById("plan-problem");
const announcements = document.getElementById("announcements");
let dragged = null;
let keyed = null; // the seat that the arrow keys move, where it was, and the timer to save it

const inRoom = (percent) => Math.round(Math.min(100, Math.max(0, percent)) * 100) / 100;
const placeOf = (seat) => ({ x: parseFloat(seat.getAttribute("x")), y: parseFloat(seat.getAttribute("y")) });

function put(seat, { x, y }) {
  seat.setAttribute("x", `${inRoom(x)}%`);
  seat.setAttribute("y", `${inRoom(y)}%`);
}

async function save(seat, from) {
  const { x, y } = placeOf(seat);
  const id = seat.dataset.seat;
  let isSaved = false;
  try {
    isSaved = (await post(form.getAttribute("action"), { [`x-${id}`]: x, [`y-${id}`]: y })).ok;
  } catch { /* said below */ }
  problem.textContent = isSaved ? "" : texts.notSaved;
  problem.hidden = isSaved;
  if (!isSaved) return put(seat, from);
  form.elements[`x-${id}`].value = x;
  form.elements[`y-${id}`].value = y;
  announcements.textContent = texts.moved.replace("{seat}", () => seat.dataset.label).replace("{x}", Math.round(x)).replace("{y}", Math.round(y));
}

function grab(event) {
  const seat = event.target.closest("[data-seat]");
  if (!seat || !event.isPrimary || event.button !== 0) return;
  finishKeys();
  const area = layout.getBoundingClientRect();
  const from = placeOf(seat);
  const grip = { x: event.clientX - area.left - (from.x / 100) * area.width, y: event.clientY - area.top - (from.y / 100) * area.height };
  dragged = { seat, from, grip, pointer: event.pointerId, startX: event.clientX, startY: event.clientY, hasMoved: false };
}

function drag(event) {
  if (dragged?.pointer !== event.pointerId) return;
  const { seat, grip, startX, startY } = dragged;
  if (!dragged.hasMoved && Math.hypot(event.clientX - startX, event.clientY - startY) < reach) return;
  dragged.hasMoved = true;
  const area = layout.getBoundingClientRect();
  put(seat, { x: ((event.clientX - grip.x - area.left) / area.width) * 100, y: ((event.clientY - grip.y - area.top) / area.height) * 100 });
}

function drop(event) {
  if (dragged?.pointer !== event.pointerId) return;
  const { seat, from, hasMoved } = dragged;
  dragged = null;
  if (!hasMoved) return undefined;
  if (event.type === "pointercancel") return put(seat, from);
  return save(seat, from);
}

function press(event) {
  const seat = event.target.closest("[data-seat]");
  if (event.key === "Escape" && dragged) {
    put(dragged.seat, dragged.from);
    dragged = null;
  }
  if (!seat || !(event.key in ways) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  if (keyed?.seat !== seat) {
    finishKeys();
    keyed = { seat, from: placeOf(seat), timer: 0 };
  }
  const [right, down] = ways[event.key];
  const size = event.shiftKey ? bigStep : step;
  const now = placeOf(seat);
  put(seat, { x: now.x + right * size, y: now.y + down * size });
  clearTimeout(keyed.timer);
  keyed.timer = setTimeout(finishKeys, keyPause);
}

function finishKeys() {
  if (!keyed) return;
  const { seat, from, timer } = keyed;
  clearTimeout(timer);
  keyed = null;
  save(seat, from);
}

if (layout && form) {
  layout.dataset.draggable = "";
  document.getElementById("plan-keys").hidden = false;
  for (const seat of layout.querySelectorAll("[data-seat] > g")) seat.setAttribute("tabindex", "0");
  layout.addEventListener("pointerdown", grab);
  layout.addEventListener("keydown", press);
  layout.addEventListener("focusout", finishKeys);
  document.addEventListener("pointermove", drag);
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);
  addEventListener("pagehide", finishKeys);
}
