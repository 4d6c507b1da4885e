// The rooms of a class with their seats. The server renders them; student rows update who sits there; other changes
// (another seat, a new student, a claim) are fetched again.
import { isDragging, startDragging } from "./seat_drag.js";
import { follow, room, texts } from "../base/class_page.js";
import { ask, put, throttled } from "../base/fragments.js";
import { serverNow, setText } from "../base/time.js";

const windows = { active: Number(room.dataset.activeSeconds), error: Number(room.dataset.errorSeconds) };
// Frames about what this page does not show, or shows from the rows that come with them.
const ignored = new Set(["cell_execution", "error_alert", "metrics_update", "delta_update", "system_alert", "system_message", "student_error_resolved", "classroom_map"]);
const announcements = document.getElementById("announcements");
const unknown = new Set(); // students who are not in this class
let held = null; // frames that arrive while the state is fetched

const placesOf = (id) => document.querySelectorAll(`[data-sitter="${Number(id)}"]`);

function setStatus(one, status) {
  if (one.dataset.status === status || !(status in texts.statuses)) return;
  one.dataset.status = status;
  one.querySelector("use").setAttribute("href", `#status-${status}`);
  const word = one.querySelector('[data-field="status"]');
  if (word) setText(word, texts.statuses[status]);
  if (!one.dataset.label) return;
  const said = texts.seatSaid.replace("{seat}", () => one.dataset.label).replace("{name}", () => one.dataset.name).replace("{status}", texts.statuses[status]);
  one.querySelector("a").setAttribute("aria-label", said);
}

function applyRows(rows) {
  for (const row of rows) {
    const places = placesOf(row.studentId);
    if (!places.length) {
      if (!unknown.has(row.studentId)) refresh();
      unknown.add(row.studentId);
      continue;
    }
    if (row.status === "help" && places[0].dataset.status !== "help") {
      announcements.textContent = texts.helpArrived.replace("{name}", () => places[0].dataset.name);
    }
    for (const one of places) {
      one.dataset.activity = row.lastActivityAt ?? "";
      setStatus(one, row.status);
    }
  }
  orderUnseated();
}

/** Puts the most urgent first; not while somebody works among them. */
function orderUnseated() {
  const list = document.getElementById("unseated-list");
  if (list.contains(document.activeElement) || list.matches(":hover")) return;
  const rank = (one) => texts.ranks[one.dataset.status];
  const now = [...list.children];
  const sorted = [...now].sort((a, b) => rank(a) - rank(b)); // stable: equals stay where they are
  if (sorted.some((one, index) => one !== now[index])) list.append(...sorted);
}

/** The same windows as events/student_status.py: a failure colours for a while, then activity itself grows old. */
function decay() {
  for (const one of document.querySelectorAll('[data-sitter]:is([data-status="active"], [data-status="error"])')) {
    if (serverNow() - Date.parse(one.dataset.activity) >= windows[one.dataset.status] * 1000) setStatus(one, "idle");
  }
  orderUnseated();
}

// --- The state again -------------------------------------------------------------------------------------------------

const refresh = throttled(async () => {
  held = [];
  try {
    const page = await ask(`room/?room=${encodeURIComponent(room.dataset.choice)}`);
    if (isDragging()) return refresh(); // later: a seat must not change under the pointer
    put(page, "plans");
    put(page, "unseated");
  } finally {
    const frames = held;
    held = null;
    frames.forEach(receive);
  }
}, 2000);

function receive(frame) {
  if (held) return held.push(frame);
  if (frame.type === "progress_update") return applyRows([frame.data].flat());
  return ignored.has(frame.type) ? undefined : refresh();
}

startDragging(refresh);
setInterval(decay, 5000);
follow({ onOpen: () => { unknown.clear(); refresh(); }, onFrame: receive });
