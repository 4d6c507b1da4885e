// The actions of this page, by name. An element offers one by `data-shortcut="claim"`; a script by offer().
//
// This module holds the state: pages import it, and so does shortcuts.js, whose own URL differs
// from page to page of the same site once files carry a hash in their name.
const scripts = new Map();
const otherNames = { next: ["next", "next-ungraded"] }; // a list calls it the one, grading the other
const fallbacks = { search: "input[type=search]" };
const fields = "input, select, textarea";
const items = "li, tr, article, [data-student], [data-help-for]";

/** `run()` is called when the keys of `name` are pressed; it returns false if it did nothing. Returns a
 *  function that withdraws the offer. */
export function offer(name, run) {
  scripts.set(name, run);
  return () => { if (scripts.get(name) === run) scripts.delete(name); };
}

/** Where the keys act: inside an open dialog that covers the rest, else on the whole page. */
export const scope = () => [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;

/** Shortcuts also work for elements inside closed menus. */
function isReady(element) {
  if (element.matches(":disabled, [aria-disabled=true]")) return false;
  return Boolean(element.closest("[popover]")) || element.checkVisibility({ visibilityProperty: true });
}

function first(place, name) {
  const selector = [...(otherNames[name] ?? [name]).map((other) => `[data-shortcut="${CSS.escape(other)}"]`), fallbacks[name]];
  return [...place.querySelectorAll(selector.filter(Boolean).join(","))].find(isReady) ?? null;
}

/** The part of a list that the focus is in and that is about one student; null if there is none. */
function itemInFocus(focused) {
  for (let item = focused.closest(items); item; item = item.parentElement?.closest(items)) {
    if (item.querySelector("[data-drawer]")) return item;
  }
  return null;
}

/** The element that offers `name`: the nearest to the focus, else the first of the page. With the focus on one student,
 *  actions on a student apply to that student only. */
function find({ name, ofStudent }) {
  const whole = scope();
  const focused = whole.contains(document.activeElement) ? document.activeElement : whole;
  const item = ofStudent ? itemInFocus(focused) : null;
  if (item) return first(item, name);
  for (let place = focused; place && place !== whole; place = place.parentElement) {
    const found = first(place, name);
    if (found) return found;
  }
  return first(whole, name);
}

export const isOffered = (action) => scripts.has(action.name) || Boolean(first(scope(), action.name));

export function perform(action) {
  const run = scripts.get(action.name);
  if (run) return run() !== false;
  const element = find(action);
  if (!element) return false;
  if (element.matches(fields)) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
  return true;
}
