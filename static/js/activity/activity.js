// The activity chart: figures at the pointer and under the arrow keys, and the chart painted again by the server when
// something happened, or now and then.
import { follow, room, texts } from "../base/class_page.js";
import { ask, isSignedOut, put, throttled } from "../base/fragments.js";

const pause = 15000; // between two paintings
const idlePause = 30000; // without any news, time itself moves on
const outdated = document.getElementById("outdated");

const columns = () => [...document.querySelectorAll(".column")];

function read(column) {
  for (const other of document.querySelectorAll(".column[data-read]")) if (other !== column) delete other.dataset.read;
  column.dataset.read = "";
  const readout = document.getElementById("readout");
  readout.dataset.read = "";
  readout.textContent = column.getAttribute("aria-label");
}

/** One column is in the order of Tab; the arrow keys go from it to the others. */
function choose(column) {
  for (const other of columns()) other.setAttribute("tabindex", other === column ? "0" : "-1");
  column.focus({ preventScroll: true });
}

function press(event) {
  const all = columns();
  const at = all.indexOf(event.target.closest?.(".column"));
  if (at < 0) return;
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choose(all[Math.min(all.length - 1, Math.max(0, to))]);
}

function pointed(event) {
  const column = event.target.closest?.(".column");
  if (column) read(column);
}

function show(page) {
  const readAt = document.querySelector(".column[data-read]")?.dataset.from;
  put(page, "state");
  const focused = document.activeElement.closest(".column");
  if (focused) choose(focused);
  const column = columns().find((one) => one.dataset.from === readAt);
  if (column) read(column);
}

async function load() {
  try {
    show(await ask(`activity/?${room.dataset.query}`));
    outdated.hidden = true;
  } catch (error) {
    outdated.textContent = isSignedOut() ? texts.signedOut : texts.outdated.replace("{time}", document.getElementById("as-of").textContent);
    outdated.hidden = false;
    throw error;
  }
}

const refresh = throttled(load, pause);

document.addEventListener("keydown", press);
document.addEventListener("focusin", pointed);
document.addEventListener("pointerover", pointed);
setInterval(() => { if (!document.hidden && !isSignedOut()) refresh(); }, idlePause);
follow({ onOpen: refresh, onFrame: refresh });
