// The live page of a class. The server renders it; frames update it; after a gap it is fetched again.
import { askAfterRows, askNow, keepAttention } from "../attention/attention.js";
import * as cards from "./cards.js";
import { keepClusters, noteClusters } from "../errors/clusters.js";
import { filterCards, offerTeam, onFilter } from "./filters.js";
import { ask, isSignedOut, room, startRoom, texts, throttled } from "../base/class_page.js";
import { refreshTimes, setServerTime } from "../base/time.js";

const windows = { activeSeconds: Number(room.dataset.activeSeconds), errorSeconds: Number(room.dataset.errorSeconds) };
const decayEvery = 5000;
const drawEvery = 250; // the figures and the filter read every card
const showEvery = 300; // a layout per frame of a busy class would be too much for a tablet
const maxRequested = 20; // with more unknown students, fetch all cards
const notOurs = new Set(); // students who are not in this class
const wanted = new Set();
let fetching = null;
const changed = new Map(); // rows not shown yet, the newest of each student
let held = []; // frames that arrive while the state is fetched; they may be newer
let drawing = 0;

function draw() {
  drawing = 0;
  const now = cards.all();
  const count = (...statuses) => now.filter((card) => statuses.includes(card.dataset.status)).length;
  const runs = now.reduce((sum, card) => sum + Number(card.querySelector('[data-field="runs"]').textContent), 0);
  const errors = count("error", "significant_error");
  const figures = { students: now.length, active: count("active"), help: count("help"), errors, runs };
  for (const [name, value] of Object.entries(figures)) {
    const figure = document.querySelector(`[data-metric="${name}"]`);
    if (figure.textContent !== String(value)) figure.textContent = value;
    figure.parentElement.toggleAttribute("data-raised", value > 0);
  }
  document.querySelector("[data-empty]").hidden = now.length > 0;
  filterCards(now, texts);
}

function drawSoon() {
  drawing ||= setTimeout(draw, drawEvery);
}

function swap(state) {
  setServerTime(state.getElementById("state").dataset.now);
  document.getElementById("metrics").replaceWith(document.importNode(state.getElementById("metrics"), true));
  const fresh = [...state.getElementById("cards").children];
  const ids = new Set(fresh.map((card) => card.dataset.student));
  for (const card of cards.all()) if (!ids.has(card.dataset.student)) cards.remove(card);
  for (const card of fresh) cards.adopt(card);
  for (const card of fresh) offerTeam(card.querySelector('[data-field="team"]').textContent);
  notOurs.clear();
  changed.clear(); // they came before the state was asked for
  refreshTimes(room);
}

/** Loads the whole state; tries again until it succeeds, and only then processes the held frames. */
async function reload(attempt = 0) {
  if (fetching && attempt === 0) {
    fetching.again = true; // what is on its way may be older than the reason to ask
    return;
  }
  fetching = { again: false };
  try {
    swap(await ask(`cards/${location.search}`));
  } catch {
    if (!isSignedOut()) setTimeout(reload, Math.min(1000 * 2 ** attempt, 30000), attempt + 1);
    return;
  }
  release();
}

function release() {
  const { again } = fetching;
  fetching = null;
  const frames = held;
  held = [];
  frames.forEach(receive);
  showChanged();
  draw();
  if (again) reload();
}

/** Fetches the cards of students this page has not met, or must see as the server sees them. */
function fetchCard(id) {
  if (!Number.isSafeInteger(Number(id)) || notOurs.has(String(id))) return;
  if (!wanted.size) setTimeout(fetchWanted, 250);
  wanted.add(String(id));
}

async function fetchWanted() {
  const ids = [...wanted];
  wanted.clear();
  if (fetching || ids.length > maxRequested) return reload();
  fetching = { again: false };
  try {
    const found = await ask(`cards/?${new URLSearchParams(ids.map((id) => ["student", id]))}`);
    const fresh = [...found.querySelectorAll("[data-student]")];
    fresh.forEach(cards.adopt);
    for (const card of fresh) changed.delete(Number(card.dataset.student));
    for (const card of fresh) offerTeam(card.querySelector('[data-field="team"]').textContent);
    const ours = new Set(fresh.map((card) => card.dataset.student));
    for (const id of ids) if (!ours.has(id)) notOurs.add(id);
  } catch {
    fetching = null;
    return reload();
  }
  refreshTimes(room);
  return release();
}

function showRow(row) {
  const card = cards.byId(row.studentId);
  if (!card) return fetchCard(row.studentId);
  const wasAsking = card.dataset.status === "help";
  offerTeam(row.teamName === texts.wireNoTeam ? texts.noTeam : row.teamName);
  cards.applyRow(card, row);
  return wasAsking === (row.status === "help") ? askAfterRows() : askNow();
}

function showHelp(data) {
  const card = cards.byEmail(data.emailAddress);
  if (!card) return reload();
  card.dataset.helpSince ||= data.timestamp;
  cards.setStatus(card, "help");
  return askNow();
}

/** Only the server knows the status of a student after help or errors have ended. */
function recheck(data) {
  const card = cards.byEmail(data.emailAddress);
  if (card) fetchCard(card.dataset.student);
  askNow();
}

/** Shows a claim or its end on the card at once; the lists follow. */
function showAct(data) {
  const sentence = data.action === "claimed" ? texts.onTheWay.replace("{name}", data.instructorName) : "";
  cards.showClaim(data.studentId, sentence);
  askNow();
}

const handlers = {
  help_request: showHelp,
  help_resolved: recheck,
  student_error_resolved: recheck,
  attention_update: showAct,
  refresh_required: () => setTimeout(() => reload(), Math.random() * 1000),
};

function showChanged() {
  if (!changed.size || fetching) return; // `release` comes back to what is left
  const rows = [...changed.values()];
  changed.clear();
  rows.forEach(showRow);
  draw();
}

const showChangedSoon = throttled(showChanged, showEvery);

function receive(frame) {
  if (fetching) return held.push(frame);
  if (frame.type === "progress_update") {
    for (const row of [frame.data].flat()) changed.set(row.studentId, row);
    return showChangedSoon();
  }
  showChanged(); // in the order in which it happened
  handlers[frame.type]?.(frame.data);
  return drawSoon();
}

cards.keepCards(texts);
onFilter(draw);
setInterval(() => { if (cards.decay(windows)) draw(); }, decayEvery);
draw();
keepAttention();
keepClusters();
startRoom({ onOpen: () => { reload(); askNow(); noteClusters(); }, onFrame: (frame) => { receive(frame); noteClusters(frame); } });
