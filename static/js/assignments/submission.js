// The page of a submission. What is typed survives a session that ended or a window that crashed: it is kept in this
// tab under what the form saw, until that changes because something was saved. And the frame follows the theme.
import { markChanged } from "../base/unsaved.js";
import { fillIn } from "./rubric.js";

const form = document.getElementById("grade");
const frame = document.getElementById("notebook");
const prefix = `draft:${location.pathname}:`;

function keepDraft() {
  const key = prefix + form.elements.seen.value;
  const fields = [form.elements.grade, form.elements.feedback];
  const ticks = [...form.querySelectorAll("[name=rubric]")];
  const state = () => [...fields.map((field) => field.value), ...ticks.filter((tick) => tick.checked).map((tick) => tick.value)];
  try {
    const draft = JSON.parse(sessionStorage.getItem(key) ?? "null");
    for (const old of Object.keys(sessionStorage)) if (old.startsWith(prefix) && old !== key) sessionStorage.removeItem(old);
    const typedByServer = "changed" in form.dataset; // it has come back with what was typed
    if (draft && !typedByServer && JSON.stringify(draft) !== JSON.stringify(state())) {
      fields.forEach((field, index) => { field.value = draft[index]; });
      for (const tick of ticks) tick.checked = draft.slice(fields.length).includes(tick.value);
      form.querySelector("[data-restored]").hidden = false;
      markChanged(form);
    }
    form.addEventListener("input", () => {
      sessionStorage.setItem(key, JSON.stringify(state()));
    });
  } catch { /* storage may be forbidden; the question before leaving is still asked */ }
}

function followTheme() {
  const theme = () => document.documentElement.dataset.theme ?? "";
  let shown = "";
  const show = () => {
    if (theme() === shown) return;
    shown = theme();
    const address = new URL(frame.src);
    address.searchParams.set("theme", shown);
    frame.src = address.href;
  };
  show();
  new MutationObserver(show).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

if (form) {
  keepDraft();
  fillIn(form);
}
if (frame) followTheme();
