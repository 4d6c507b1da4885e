// The seating page. The server renders it; student rows update teams and marks; other changes (new students, claims,
// another map) are fetched again.
import { applyPositions, isMoving, markOf, marks, startMap } from "./map.js";
import { follow, room, texts } from "../base/class_page.js";
import { ask, put, throttled } from "../base/fragments.js";
import { serverNow, setText } from "../base/time.js";

const windows = { active: Number(room.dataset.activeSeconds), error: Number(room.dataset.errorSeconds) };
const statuses = Object.keys(texts.ranks).sort((a, b) => texts.ranks[a] - texts.ranks[b]);
// Frames about what this page does not show, or shows from the rows that come with them.
const ignored = new Set(["cell_execution", "error_alert", "metrics_update", "delta_update", "system_alert", "system_message", "student_error_resolved", "classroom_seats"]);
const announcements = document.getElementById("announcements");
const unknown = new Set(); // students who are not in this class
let held = null; // frames that arrive while the state is fetched
let wantsFocus; // the team whose mark gets the focus once it is there

const teams = () => [...document.getElementById("team-list").children];
const membersOf = (team) => [...team.querySelectorAll(".member")];
const show = (svg, status) => svg.querySelector("use").setAttribute("href", `#status-${status}`);

function setStatus(one, status) {
  if (one.dataset.status === status || !(status in texts.statuses)) return;
  if (status === "help") announcements.textContent = texts.helpArrived.replace("{name}", () => one.querySelector("a").textContent);
  one.dataset.status = status;
  show(one.querySelector("svg"), status);
  setText(one.querySelector('[data-field="status"]'), texts.statuses[status]);
}

function countTeam(team) {
  const all = membersOf(team).map((one) => one.dataset.status);
  const counts = Object.fromEntries(statuses.map((status) => [status, all.filter((found) => found === status).length]));
  const worst = statuses.find((status) => counts[status]) ?? "idle";
  const word = all.length ? texts.statuses[worst] : texts.empty;
  for (const entry of team.querySelectorAll("[data-count]")) {
    setText(entry.querySelector("b"), String(counts[entry.dataset.count]));
    entry.hidden = !counts[entry.dataset.count];
  }
  setText(team.querySelector('[data-field="word"]'), word);
  if (team.dataset.worst !== worst) show(team.querySelector(".team-name svg"), worst);
  team.dataset.worst = worst;
  const mark = markOf(team.dataset.team);
  if (!mark) return;
  const said = statuses.filter((status) => counts[status]).map((status) => `${texts.statuses[status]} ${counts[status]}`);
  mark.dataset.worst = worst;
  mark.querySelector(".mark-symbol").setAttribute("href", `#status-${worst}`);
  setText(mark.querySelector(".mark-count"), String(counts[worst]));
  const name = team.querySelector('[data-field="name"]').textContent;
  mark.querySelector("a").setAttribute("aria-label", `${name}: ${said.join(", ") || word}`);
}

/** Puts children in order; not while somebody works among them. */
function order(parent, children, rank) {
  if (!parent || parent.contains(document.activeElement) || parent.matches(":hover")) return;
  const sorted = [...children].sort((a, b) => rank(a) - rank(b)); // stable: equals stay where they are
  if (sorted.some((child, index) => child !== children[index])) parent.append(...sorted);
}

function draw(changed) {
  for (const team of changed) {
    countTeam(team);
    order(team.querySelector(".members"), membersOf(team), (one) => texts.ranks[one.dataset.status]);
  }
  if (!changed.size) return;
  order(document.getElementById("team-list"), teams(), (team) => texts.ranks[team.dataset.worst]);
  if (!isMoving()) order(document.getElementById("marks"), marks(), (mark) => -texts.ranks[mark.dataset.worst]);
}

function applyRows(rows) {
  const changed = new Set();
  for (const row of rows) {
    const one = document.getElementById(`member-${row.studentId}`);
    const team = one?.closest(".team");
    if (team?.dataset.team !== row.teamName) {
      if (!unknown.has(row.studentId)) refresh();
      unknown.add(row.studentId);
    } else {
      one.dataset.activity = row.lastActivityAt ?? "";
      setStatus(one, row.status);
      changed.add(team);
    }
  }
  draw(changed);
}

/** The same windows as events/student_status.py: a failure colours for a while, then activity itself grows old. */
function decay() {
  const changed = new Set();
  for (const one of document.querySelectorAll('.member[data-status="active"], .member[data-status="error"]')) {
    if (serverNow() - Date.parse(one.dataset.activity) < windows[one.dataset.status] * 1000) continue;
    setStatus(one, "idle");
    changed.add(one.closest(".team"));
  }
  draw(changed);
}

// --- The state again -------------------------------------------------------------------------------------------------

const refresh = throttled(async () => {
  held = [];
  try {
    const page = await ask("room/?room=teams"); // whatever another window of this account shows
    put(page, "teams");
    if (isMoving()) refresh(); // the map later: a mark must not change while it is dragged
    else showMap(page);
  } finally {
    const frames = held;
    held = null;
    frames.forEach(receive);
  }
}, 2000);

function showMap(page) {
  put(page, "map");
  if (wantsFocus !== undefined) markOf(wantsFocus)?.querySelector("a").focus({ preventScroll: true });
  wantsFocus = undefined;
}

function receive(frame) {
  if (held) return held.push(frame);
  if (frame.type === "progress_update") return applyRows([frame.data].flat());
  if (frame.type === "classroom_map") return mapChanged(frame.data);
  return ignored.has(frame.type) ? undefined : refresh();
}

function mapChanged({ class_id: classId, map_id: mapId, team_positions: positions }) {
  if (String(classId ?? "") !== room.dataset.class) return;
  if (String(mapId) === document.getElementById("map").dataset.map) applyPositions(positions);
  refresh();
}

startMap((team) => { wantsFocus = team; refresh(); });
setInterval(decay, 5000);
follow({ onOpen: () => { unknown.clear(); refresh(); }, onFrame: receive });
