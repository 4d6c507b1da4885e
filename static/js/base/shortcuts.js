// The keyboard of every page: pressed keys become actions. Which keys is keymap.js, what they do actions.js.
import { isOffered, offer, perform, scope } from "./actions.js";
import { actions, chordOf, hasModifier, match, texts } from "./keymap.js";
import { toggleSheet } from "./key_sheet.js";

const waitForSecond = 1500;
const showHint = 2500;
const fields = "input, textarea, select, [contenteditable]:not([contenteditable=false]), [role=textbox], [role=searchbox], [role=combobox]";
const repeatable = new Set(["next-student", "previous-student"]);
const hint = document.getElementById("key-hint");
let pending = "";
let timer = 0;
let hintTimer = 0;

function say(sentence, duration) {
  clearTimeout(hintTimer);
  hint.textContent = sentence;
  hintTimer = setTimeout(() => { hint.textContent = ""; }, duration);
}

function forget() {
  clearTimeout(timer);
  if (pending) hint.textContent = "";
  pending = "";
}

function isTyping(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && Boolean(target.closest(fields));
}

function press(event) {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return; // 229: an input method is at work
  const chord = chordOf(event);
  if (!chord) return;
  const typing = isTyping(event);
  if (typing && !hasModifier(chord)) return;
  const keys = pending ? `${pending} ${chord}` : chord;
  forget();
  const candidates = typing ? actions.filter((action) => action.inFields) : actions;
  const { action, begins } = match(keys, candidates.filter(isOffered));
  if (event.repeat && !repeatable.has(action?.name)) return;
  if (action) {
    event.preventDefault();
    if (!perform(action)) say(texts.notHere.replace("{action}", action.label), showHint);
  } else if (begins) {
    event.preventDefault();
    pending = keys;
    timer = setTimeout(forget, waitForSecond);
    say(`${keys} …`, waitForSecond);
  }
}

// --- From student to student --------------------------------------------------------------------------------------

let last = null; // the link that had the focus; a list that is drawn again takes the focus away with it

function links() {
  const seen = [...scope().querySelectorAll("a[data-drawer], [data-drawer] a")];
  return seen.filter((link) => link.tabIndex >= 0 && link.checkVisibility({ visibilityProperty: true }));
}

function placeOf(all) {
  const focused = document.activeElement;
  const at = all.indexOf(focused);
  if (at >= 0) return at;
  if (focused && focused !== document.body) return nextAfter(all, focused) - 0.5;
  return last ? all.findIndex((link) => link.href === last.href) : -1;
}

function nextAfter(all, focused) {
  const next = all.findIndex((link) => focused.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING);
  return next < 0 ? all.length : next;
}

function move(step) {
  const all = links();
  if (!all.length) return false;
  const place = placeOf(all);
  const wanted = step > 0 ? Math.floor(place + 1) : Math.ceil(place - 1);
  last = all[Math.min(Math.max(wanted, 0), all.length - 1)];
  last.focus();
  return true;
}

if (actions.length) {
  document.addEventListener("keydown", press);
  addEventListener("blur", forget);
  offer("keyboard", toggleSheet);
  if (document.querySelector("[data-drawer]") || document.getElementById("classroom")) {
    offer("next-student", () => move(1));
    offer("previous-student", () => move(-1));
  }
}
