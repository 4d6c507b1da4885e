// The drawer: a click on a link with `data-drawer` shows the student beside the list instead of leaving it. What it
// shows is the student page's own markup, asked for as a fragment; without this script the link leads to that page.
//
// The address remembers it as `#student-<id>?<query>`: a reload keeps it, Back closes it.
import { linksTo, linkTo, neighbour, pathIn, placeOf, studentOf } from "./drawer_links.js";
import { follow, room, texts } from "../base/class_page.js";
import { ask, Gone, isSignedOut, parse, post } from "../base/fragments.js";
import { followStudent } from "./student_view.js";

const drawer = document.getElementById("drawer");
const body = drawer.querySelector("[data-drawer-body]");
const title = drawer.querySelector("[data-drawer-title]");
const announcements = document.getElementById("announcements");
const covers = matchMedia("(max-width: 64rem)"); // then it covers the list, and is modal
const drafts = new Map(); // student → a note that was begun and not saved
const nothing = { unfollow() {}, marking: 0 };
let shown = null; // { id, path } of the student on show
let opener = null; // the link the reader came from, to return the focus to
let view = null;
let loading = new AbortController();
let kept = nothing; // what runs while it is open
let isClosing = false;

const listener = { onOpen: () => view?.refresh(), onFrame: (frame) => view?.receive(frame) };
const isPlain = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
const isField = (element) => element.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

// --- Contents -------------------------------------------------------------------------------------------------------

function say(name) {
  for (const state of drawer.querySelectorAll("[data-drawer-state]")) state.hidden = state.dataset.drawerState !== name;
  if (name === "loading") body.setAttribute("aria-busy", "true");
  else body.removeAttribute("aria-busy");
}

function empty() {
  const text = body.querySelector("form[data-draft] textarea");
  if (text && shown) drafts.set(shown.id, text.value);
  view?.stop();
  view = null;
  body.replaceChildren();
}

function paint(page) {
  empty();
  const root = document.importNode(page.querySelector("[data-student-view]"), true);
  body.append(root);
  title.textContent = root.dataset.name;
  const text = root.querySelector("form[data-draft] textarea");
  if (text && !text.value) text.value = drafts.get(shown.id) ?? "";
  view = followStudent(root, { top: () => body.getBoundingClientRect().top, onGone: () => fail(new Gone()) });
  const wanted = root.dataset.focus && body.querySelector(`#${CSS.escape(root.dataset.focus)}`);
  const focused = wanted || root.querySelector("[aria-invalid], .note textarea");
  if (focused) focused.focus();
  else if (!drawer.contains(document.activeElement)) (root.querySelector(".parts [aria-current]") ?? title).focus();
  say("");
}

function fail(error) {
  if (error instanceof Gone) empty();
  say(error instanceof Gone ? "gone" : isSignedOut() ? "signedOut" : "failed");
}

async function load(path) {
  const id = studentOf(path);
  if (shown?.id !== id) empty(); // never one student's runs under another's name
  shown = { id, path };
  drawer.querySelector("[data-drawer-page]").href = path;
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  say("loading");
  try {
    const page = await ask(path, { mayBeGone: true, signal });
    if (signal.aborted) return;
    paint(page);
    body.scrollTop = 0;
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

async function send(form) {
  const button = form.querySelector("button");
  const { id } = shown;
  button.disabled = true;
  try {
    const answer = await post(form.getAttribute("action"), new FormData(form));
    if (shown?.id !== id) return;
    if (answer.redirected || answer.status === 403) return say("signedOut");
    if (answer.status === 404) return go(`${whole().pathname}?part=notes`); // it was deleted elsewhere
    if (!answer.ok && answer.status !== 422) throw new Error(`answer ${answer.status}`);
    if (answer.ok) form.reset();
    paint(parse(await answer.text()));
    shown.path = new URL(`${whole().pathname}?part=notes`, location.href).href;
    history.replaceState(history.state, "", placeOf(shown.path));
  } catch {
    say("unsaved"); // what was typed is still there
  } finally {
    button.disabled = false;
  }
  return undefined;
}

/** "I'm going" and "Helped": the lists of the page hear of it as everybody's do, through the socket. */
async function act(form, button) {
  const { id } = shown;
  const buttons = form.querySelectorAll("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  for (const one of buttons) one.setAttribute("aria-disabled", "true");
  let said = texts.notSent;
  try {
    const answer = await post(form.getAttribute("action"), { act: button.value });
    if (answer.redirected || answer.status === 403) return void say("signedOut");
    if ([200, 409].includes(answer.status)) said = parse(await answer.text()).getElementById("attention-said").textContent;
  } catch { /* the sentence says so */ }
  for (const one of buttons) one.removeAttribute("aria-disabled");
  if (shown?.id !== id) return;
  drawer.querySelector('[data-drawer-state="said"]').textContent = said;
  say("said");
  view?.refresh();
}

/** The address of a link; `href` of a link in an SVG is no text. */
const hrefOf = (link) => new URL(link.getAttribute("href"), location.href).href;

const whole = () => new URL(shown.path, location.href);

// --- Opening and closing --------------------------------------------------------------------------------------------

/** The address already says it. */
function show(path, link) {
  const id = studentOf(path);
  opener = link ?? (opener?.isConnected && studentOf(hrefOf(opener)) === id ? opener : linkTo(id));
  const isOther = shown?.id !== id;
  if (isOther) title.textContent = opener?.textContent.trim().slice(0, 80) || title.textContent;
  const steps = document.activeElement?.closest?.("[data-drawer-step]");
  load(path);
  raise();
  mark();
  offerSteps();
  if (isOther && steps && !steps.disabled) announcements.textContent = title.textContent;
  else if (isOther) title.focus({ preventScroll: true });
  if (isOther) opener?.scrollIntoView({ block: "nearest" });
}

function open(path, link) {
  const state = { drawer: studentOf(path) };
  if (shown) history.replaceState(history.state, "", placeOf(path));
  else history.pushState(state, "", placeOf(path));
  show(path, link);
}

/** Another page of the student on show. */
function go(path) {
  const address = new URL(path, location.href).href;
  history.replaceState(history.state, "", placeOf(address));
  load(address);
}

function raise() {
  if (drawer.open) return;
  if (covers.matches) drawer.showModal();
  else drawer.show();
  document.documentElement.toggleAttribute("data-drawer-open", true);
  if (kept === nothing) kept = { unfollow: follow(listener), marking: setInterval(mark, 1000) };
}

/** The list is drawn again and again; the link of who is on show stays marked. */
function mark() {
  const wanted = new Set(shown ? linksTo(shown.id) : []);
  for (const link of document.querySelectorAll("a[data-drawer][aria-current]")) {
    if (!wanted.has(link)) link.removeAttribute("aria-current");
  }
  for (const link of wanted) link.setAttribute("aria-current", "true");
}

function offerSteps() {
  for (const button of drawer.querySelectorAll("[data-drawer-step]")) {
    button.disabled = !neighbour(opener, shown.id, Number(button.dataset.drawerStep));
  }
}

function close() {
  if (!shown || isClosing) return;
  isClosing = true;
  if (history.state?.drawer) return history.back(); // the entry that opening it made; then `follow the address`
  history.replaceState(null, "", location.pathname + location.search);
  return shut();
}

function shut() {
  isClosing = false;
  if (!shown) return;
  const { id } = shown;
  loading.abort();
  empty();
  shown = null;
  kept.unfollow();
  clearInterval(kept.marking);
  kept = nothing;
  drawer.close();
  document.documentElement.removeAttribute("data-drawer-open");
  mark();
  const back = opener?.isConnected && opener.getClientRects().length ? opener : linkTo(id);
  (back ?? document.getElementById("main")).focus({ preventScroll: true });
  opener = null;
}

function followAddress() {
  const path = pathIn(location.hash, room.dataset.address);
  if (!path) shut();
  else if (path !== shown?.path) show(path);
}

function move(by) {
  const link = neighbour(opener, shown.id, by);
  if (link) open(hrefOf(link), link);
}

// --- User input -----------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-drawer]");
  if (!link || event.defaultPrevented || !isPlain(event) || !studentOf(hrefOf(link))) return;
  event.preventDefault();
  open(hrefOf(link), link);
});

drawer.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const button = event.target.closest("button");
  if (button?.matches("[data-drawer-close]")) close();
  else if (button?.matches("[data-drawer-again]")) load(shown.path);
  else if (button?.matches("[data-drawer-step]")) move(Number(button.dataset.drawerStep));
  if (!link || !body.contains(link) || event.defaultPrevented || !isPlain(event)) return;
  if (studentOf(link.href) !== shown.id) return;
  event.preventDefault();
  go(link.href);
});

body.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const chosen = [...new FormData(form)].filter(([, value]) => value !== "");
  if ("act" in form.dataset) act(form, event.submitter);
  else if (form.method === "post") send(form);
  else go(`${form.getAttribute("action")}?${new URLSearchParams(chosen)}`);
});

drawer.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isField(event.target)) return;
  const by = { j: 1, k: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by || (event.key.startsWith("Arrow") && event.target.closest("pre"))) return; // there they scroll
  event.preventDefault();
  event.stopPropagation();
  move(by);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || !shown) return;
  if (document.querySelector(":popover-open")) return; // a menu closes first
  const isInside = drawer.contains(event.target);
  const modal = document.querySelector("dialog:modal");
  if ((modal && modal !== drawer) || (isField(event.target) && !isInside)) return;
  event.preventDefault();
  if (isField(event.target)) title.focus(); // the first Esc leaves the text, the next one the drawer
  else close();
});

drawer.addEventListener("cancel", (event) => {
  event.preventDefault();
  close();
});

covers.addEventListener("change", () => {
  if (!shown) return;
  drawer.close();
  raise();
});
addEventListener("popstate", followAddress);
addEventListener("hashchange", followAddress);
followAddress();
