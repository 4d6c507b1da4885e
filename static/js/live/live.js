// The live page of a class. The server renders it; frames update it; after a gap it is fetched again.
import { askAfterRows, askNow, keepAttention } from "../attention/attention.js";
import * as cards from "./cards.js";
import { keepClusters, noteClusters } from "../errors/clusters.js";
import { filterCards, offerTeam, onFilter } from "./filters.js";
import { follow, room, texts } from "../base/class_page.js";
import { ask, throttled } from "../base/fragments.js";

const windows = { activeSeconds: Number(room.dataset.activeSeconds), errorSeconds: Number(room.dataset.errorSeconds) };
const decayEvery = 5000;
const drawEvery = 250; // the figures and the filter read every card
const showEvery = 300; // a layout per frame of a busy class would be too much for a tablet
const fetchEvery = 250;
const maxRequested = 20; // with more unknown students, fetch all cards
const notOurs = new Set(); // students who are not in this class
const wanted = new Set(); // students whose cards are to be fetched
let everything = false; // or all of them
let fetching = false;
const changed = new Map(); // rows not shown yet, the newest of each student
const held = []; // frames that arrive while the state is fetched; they may be newer
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
  document.querySelector("[data-empty]").hidden = now.length > 0 || document.querySelector("[data-unconnected]") !== null;
  sayFailing(now.filter((card) => ["error", "significant_error"].includes(card.dataset.status)));
  filterCards(now, texts);
}

/** How the red cards and the attention list agree: the same sentences as classroom/live/failing_texts.py. */
function sayFailing(failing) {
  const known = new Set(document.getElementById("attention-lists").dataset.known.split(" "));
  const count = failing.length;
  const listed = failing.filter((card) => known.has(card.dataset.student)).length;
  const rest = count - listed;
  const text = listed && rest ? texts.failingSome : rest ? texts.failingNone : texts.failingAll;
  const said = count ? text.replace("{count}", count).replace("{listed}", listed).replace("{rest}", rest) : "";
  const place = document.getElementById("failing-said");
  if (place.textContent !== said) place.textContent = said;
}

function drawSoon() {
  drawing ||= setTimeout(draw, drawEvery);
}

function showCards(fresh) {
  for (const card of fresh) {
    cards.adopt(card);
    changed.delete(Number(card.dataset.student)); // that came before the card was asked for
    offerTeam(card.querySelector('[data-field="team"]').textContent);
  }
  return new Set(fresh.map((card) => card.dataset.student));
}

async function fetchEverything() {
  everything = false;
  const state = await ask(`cards/${location.search}`);
  const ours = showCards([...state.getElementById("cards").children]);
  for (const card of cards.all()) if (!ours.has(card.dataset.student)) cards.remove(card);
  notOurs.clear();
  changed.clear();
}

async function fetchWanted() {
  const ids = [...wanted];
  const found = await ask(`cards/?${new URLSearchParams(ids.map((id) => ["student", id]))}`);
  const ours = showCards([...found.querySelectorAll("[data-student]")]);
  for (const id of ids) if (!ours.has(id)) notOurs.add(id);
}

/** Until it has succeeded, frames are held; then they are shown. */
const fetchCards = throttled(async () => {
  const all = everything || wanted.size > maxRequested;
  fetching = true;
  try {
    await (all ? fetchEverything() : fetchWanted());
  } catch (error) {
    everything = true;
    throw error;
  } finally {
    wanted.clear();
  }
  fetching = false;
  held.splice(0).forEach(receive);
  showChanged();
  draw();
}, fetchEvery);

function reload() {
  everything = true;
  fetchCards();
}

/** Fetches the card of a student whom this page has not met, or must see as the server sees them. */
function fetchCard(id) {
  if (!Number.isSafeInteger(Number(id)) || notOurs.has(String(id))) return;
  wanted.add(String(id));
  fetchCards();
}

function showRow(row) {
  const card = cards.byId(row.studentId);
  const wasAsking = card?.dataset.status === "help";
  if (card) {
    offerTeam(row.teamName === texts.wireNoTeam ? texts.noTeam : row.teamName);
    cards.applyRow(card, row);
  } else fetchCard(row.studentId);
  return wasAsking === (row.status === "help") ? askAfterRows() : askNow();
}

function showHelp(data) {
  askNow();
  const card = cards.byEmail(data.emailAddress);
  if (!card) return reload();
  card.dataset.helpSince ||= data.timestamp;
  return cards.setStatus(card, "help");
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
  classroom_seats: () => { reload(); askNow(); }, // cards and lists say where somebody sits
  refresh_required: () => setTimeout(reload, Math.random() * 1000),
};

function showChanged() {
  if (!changed.size || fetching) return; // what is left is shown after the answer
  const rows = [...changed.values()];
  changed.clear();
  document.querySelector("[data-unconnected]")?.remove();
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
keepAttention(draw);
keepClusters();
follow({ onOpen: () => { reload(); askNow(); noteClusters(); }, onFrame: (frame) => { receive(frame); noteClusters(frame); } });
