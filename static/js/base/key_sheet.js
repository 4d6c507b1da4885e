// The sheet that lists the keys of this page and lets them be changed, one by one or all at once.
import { isOffered } from "./actions.js";
import { actions, assign, chordOf, isOn, isPlainOn, keysOf, refusal, reset, switchPlain, texts } from "./keymap.js";

const sheet = document.getElementById("key-sheet");
const waitForSecond = 1200;
const part = (name) => sheet.querySelector(`[data-${name}]`);
let taking = null; // what is being changed: { action, keys, timer }
let here = new Set(); // determined before the sheet opens and covers the page

function fill(sentence, words) {
  return Object.entries(words).reduce((text, [name, word]) => text.replace(`{${name}}`, word), sentence);
}

const spoken = (keys) => keys.split(" ").join(` ${texts.then} `);

function say(name, words = {}) {
  part("said").textContent = fill(texts[name], words);
}

function drawKeys(cell, keys) {
  const chords = keys ? keys.split(" ") : [];
  const parts = chords.flatMap((chord, index) => {
    const key = document.createElement("kbd");
    key.textContent = chord;
    return index ? [` ${texts.then} `, key] : [key];
  });
  cell.replaceChildren(...(parts.length ? parts : [texts.none]));
}

function drawRow(action) {
  const row = sheet.querySelector("template").content.firstElementChild.cloneNode(true);
  row.dataset.action = action.name;
  row.classList.toggle("is-off", !isOn(action));
  row.querySelector("th").textContent = action.label;
  drawKeys(row.querySelector("td"), keysOf(action));
  const button = row.querySelector("button");
  const isTaken = taking?.action === action;
  button.textContent = isTaken ? texts.press : texts.change;
  button.setAttribute("aria-label", isTaken ? texts.press : fill(texts.changeOf, { action: action.label }));
  button.setAttribute("aria-pressed", String(isTaken));
  return row;
}

function draw() {
  const focused = sheet.contains(document.activeElement) ? document.activeElement.closest("[data-action]")?.dataset.action : null;
  part("plain").checked = isPlainOn();
  part("here").replaceChildren(...actions.filter((action) => here.has(action)).map(drawRow));
  part("elsewhere").replaceChildren(...actions.filter((action) => !here.has(action)).map(drawRow));
  for (const name of ["here", "elsewhere"]) part(name).parentElement.hidden = !part(name).children.length;
  if (focused) sheet.querySelector(`[data-action="${focused}"] button`)?.focus();
}

// --- Recording new keys -------------------------------------------------------------------------------------------

function stop(name, words) {
  clearTimeout(taking?.timer);
  taking = null;
  if (name) say(name, words);
  draw();
}

function finish() {
  const { action, keys } = taking;
  const refused = refusal(action, keys);
  if (refused) return stop(refused.text, { keys: spoken(keys), action: refused.action.label });
  assign(action, keys);
  return stop("changed", { action: action.label, keys: spoken(keys) });
}

/** While new keys are recorded, no other handler receives them; Tab still moves the focus. */
function take(event) {
  if (!taking || event.isComposing || event.keyCode === 229) return;
  if (event.key === "Tab") {
    stop("kept");
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const chord = chordOf(event);
  if (!chord || event.repeat) return;
  if (chord === "Escape") stop("kept");
  else if (chord === "Backspace" || chord === "Delete") {
    assign(taking.action, "");
    stop("removed", { action: taking.action.label });
  } else {
    taking.keys = taking.keys ? `${taking.keys} ${chord}` : chord;
    clearTimeout(taking.timer);
    if (taking.keys.includes(" ") || refusal(taking.action, taking.keys)?.text === "reserved") finish();
    else taking.timer = setTimeout(finish, waitForSecond);
  }
}

function click(event) {
  if (event.target.closest("[data-close]")) return sheet.close();
  if (event.target.closest("[data-reset]")) {
    reset();
    return stop("reset");
  }
  const name = event.target.closest("[data-action] button") && event.target.closest("[data-action]").dataset.action;
  if (!name || taking?.action.name === name) return undefined;
  const action = actions.find((one) => one.name === name);
  stop();
  taking = { action, keys: "", timer: 0 };
  draw();
  return say("pressing", { action: action.label });
}

export function toggleSheet() {
  if (sheet.open) return sheet.close();
  here = new Set(actions.filter(isOffered));
  part("said").textContent = "";
  draw();
  return sheet.showModal();
}

if (sheet) {
  sheet.addEventListener("keydown", take, { capture: true });
  sheet.addEventListener("click", click);
  sheet.addEventListener("cancel", (event) => { if (taking) event.preventDefault(); });
  sheet.addEventListener("close", () => stop());
  part("plain").addEventListener("change", (event) => {
    switchPlain(event.target.checked);
    stop(event.target.checked ? "switchedOn" : "switchedOff");
  });
  for (const button of document.querySelectorAll("[data-key-sheet]")) {
    button.hidden = false;
    button.addEventListener("click", toggleSheet);
  }
}
