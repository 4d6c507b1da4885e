// The cell map. The server renders it; changes are fetched as one string per student and applied cell by cell.
import { keepClusters, noteClusters } from "../errors/clusters.js";
import { keepGrid } from "../base/grid.js";
import { follow, texts } from "../base/class_page.js";
import { ask, throttled } from "../base/fragments.js";
import { refreshTimes } from "../base/time.js";

const askEvery = 1000;
const restBefore = 150; // the pointer must rest on a cell before its figures are asked for
const mostAsked = 50;
const changed = new Set();
const figures = new Map(); // student → a promise of their cells' figures
let everything = false;
let map, table, grid, numbers, shown;

const rowOf = (student) => table?.tBodies[0].querySelector(`tr[data-student="${student}"]`);
const studentOf = (cell) => cell.parentElement.dataset.student;
const nameOf = (cell) => cell.parentElement.cells[0].textContent;
const stateOf = (cell) => (/^s([0-3])/.exec(cell.className) ?? ["", ""])[1];

/** The address of this page with its notebook named, and the students asked about. */
function query(students) {
  const fields = new URLSearchParams(location.search);
  fields.set("notebook", map.dataset.notebook);
  for (const student of students) fields.append("student", student);
  return fields;
}

// --- The figures of a cell --------------------------------------------------------------------------------------------

function said(cell) {
  const number = numbers[cell.cellIndex - 1] ?? "";
  const student = studentOf(cell);
  if (cell.cellIndex === 0) return cell.textContent.trim();
  const where = texts.cell.replace("{number}", number);
  if (student) return `${nameOf(cell)} · ${where} · ${texts.states[stateOf(cell)]}`;
  const [, , ok, failing, all] = table.tHead.rows[1].cells[cell.cellIndex].dataset.shares.split(",");
  return `${where} · ${texts.shares.replace("{ok}", ok).replace("{failing}", failing).replace("{all}", all)}`;
}

function addressOf(cell) {
  const link = cell.parentElement.cells[0].querySelector("a");
  const address = new URL(link.href);
  if (cell.cellIndex > 0) address.searchParams.set("cell", table.tHead.rows[0].cells[cell.cellIndex].dataset.cell);
  return address.href;
}

function show(cell) {
  shown = cell;
  const line = map.querySelector("[data-detail-text]");
  const link = map.querySelector("[data-detail-link]");
  line.textContent = said(cell);
  link.hidden = !studentOf(cell);
  if (!link.hidden) link.textContent = texts.open.replace("{name}", nameOf(cell));
  if (link.hidden) return;
  link.href = addressOf(cell);
  if (cell.cellIndex > 0 && stateOf(cell) !== "0") setTimeout(() => { if (shown === cell) addFigures(cell, line); }, restBefore);
}

async function addFigures(cell, line) {
  const student = studentOf(cell);
  const id = table.tHead.rows[0].cells[cell.cellIndex].dataset.cell;
  if (!figures.has(student)) figures.set(student, ask(`cells/details/?${query([student])}`, { mayBeGone: true }));
  try {
    const found = (await figures.get(student)).querySelector(`li[data-cell="${id}"]`);
    if (!found || shown !== cell) return;
    line.textContent = `${said(cell)} · `;
    line.append(...document.importNode(found, true).childNodes);
    refreshTimes(line);
  } catch {
    figures.delete(student);
  }
}

/** By the row's own link, which then leads to the cell: what opens beside the list knows its place in the list. */
function enter(cell) {
  show(cell);
  if (!studentOf(cell)) return;
  const link = cell.parentElement.cells[0].querySelector("a");
  const plain = link.getAttribute("href");
  link.href = addressOf(cell);
  link.click();
  link.setAttribute("href", plain);
}

// --- Changes ------------------------------------------------------------------------------------------------------------

function patchRow(row, states) {
  const cells = row.cells;
  for (let place = 0; place < states.length; place += 1) {
    const cell = cells[place + 1];
    if (cell.classList[0] === `s${states[place]}`) continue;
    cell.className = cell.classList.contains("median") ? `s${states[place]} median` : `s${states[place]}`;
    cell.textContent = texts.signs[states[place]];
    if (cell === shown) show(cell);
  }
}

function moveMedian(median, number) {
  if (map.dataset.median === median) return;
  for (const row of table.rows) {
    row.cells[Number(map.dataset.median)]?.classList.remove("median");
    if (Number(median)) row.cells[Number(median)].classList.add("median");
  }
  map.dataset.median = median;
  const place = map.querySelector("[data-median-number]");
  if (place) place.textContent = number;
}

function patchShares(text) {
  const cells = table.tHead.rows[1].cells;
  text.split(";").forEach((shares, place) => {
    const cell = cells[place + 1];
    if (!cell || cell.dataset.shares === shares) return;
    const [ok, failing, okCount, failingCount] = shares.split(",");
    cell.dataset.shares = shares;
    const [top, bottom] = cell.querySelectorAll("rect");
    top.setAttribute("height", ok);
    bottom.setAttribute("y", ok);
    bottom.setAttribute("height", failing);
    cell.querySelector("[data-ok]").textContent = okCount;
    cell.querySelector("[data-failing]").textContent = failingCount === "0" ? "" : failingCount;
  });
}

function patch(answer) {
  const states = answer.getElementById("states");
  if (!table || states.dataset.signature !== map.dataset.signature) return false;
  const found = [...states.querySelectorAll("[data-student]")];
  const rows = found.map((one) => rowOf(one.dataset.student));
  if (rows.includes(null)) return false;
  found.forEach((one, place) => patchRow(rows[place], one.dataset.states));
  moveMedian(states.dataset.median, states.dataset.medianNumber);
  patchShares(states.dataset.shares);
  grid.relabel();
  return true;
}

async function askChanged() {
  const students = [...changed];
  const all = everything || students.length > mostAsked;
  changed.clear();
  everything = false;
  for (const student of students) figures.delete(student);
  if (all) figures.clear();
  try {
    if (map.dataset.notebook && table && patch(await ask(`cells/states/?${query(all ? [] : students)}`))) return;
    swap(await ask(`cells/${location.search}`));
  } catch (error) {
    everything = true;
    throw error;
  }
}

const refresh = throttled(askChanged, askEvery);

/** With other cells or students, the map is fetched again; scroll position and focus stay. */
function swap(answer) {
  const fresh = document.importNode(answer.getElementById("map"), true);
  const scroller = map.querySelector(".map-scroll");
  const place = scroller && [scroller.scrollLeft, scroller.scrollTop];
  const was = table?.contains(document.activeElement) ? grid.current() : null;
  const student = was && studentOf(was);
  const cell = was && table.tHead.rows[0].cells[was.cellIndex].dataset.cell;
  map.replaceWith(fresh);
  adopt(fresh);
  if (place) fresh.querySelector(".map-scroll")?.scrollTo(...place);
  if (!student || !table) return;
  const column = [...table.tHead.rows[0].cells].findIndex((head) => head.dataset.cell === cell);
  const back = rowOf(student)?.cells[Math.max(0, column)];
  if (back) grid.focus(back);
}

function adopt(found) {
  map = found;
  shown = null;
  table = document.getElementById("map-table");
  if (!table) return;
  numbers = [...table.tHead.rows[0].cells].slice(1).map((head) => head.textContent);
  patchShares(map.dataset.shares);
  grid = keepGrid(table, { onShow: show, onEnter: enter, label: said });
}

function receive(frame) {
  noteClusters(frame);
  if (frame.type === "refresh_required") everything = true;
  else if (frame.type !== "progress_update") return;
  for (const row of [frame.data].flat()) if (row.studentId) changed.add(String(row.studentId));
  refresh();
}

adopt(document.getElementById("map"));
keepClusters();
follow({ onOpen: () => { everything = true; refresh(); noteClusters(); }, onFrame: receive });
