// The panel of error clusters: fetched again when students fail or succeed; a hint is sent without leaving the page.
// For every page that includes errors/_clusters.html.
import { texts } from "../base/class_page.js";
import { ask, morph, parse, post, throttled } from "../base/fragments.js";

const drawEvery = 3000;
const noticed = new Set(["progress_update", "student_error_resolved", "refresh_required"]);
const panel = document.getElementById("clusters");
const list = panel?.querySelector(".cluster-list");
const announcements = document.getElementById("announcements");

/** The user has opened the form or is writing in it: do not remove it. */
function isInUse(item) {
  return item.contains(document.activeElement) || item.querySelector("input[name=text]").value !== "";
}

/** Clusters that are over go, but for one in use. */
function isGone(node) {
  if (node.parentNode !== list || node.nodeType !== Node.ELEMENT_NODE || !isInUse(node)) return true;
  node.classList.add("is-over");
  return false;
}

function draw(answer) {
  const known = new Set(list.children);
  morph(panel, answer.getElementById("clusters"), { isGone });
  for (const item of list.children) if (!known.has(item)) announcements.textContent = item.querySelector(".cluster-title").textContent.trim();
  panel.querySelector("[data-clusters-none]").hidden = list.children.length > 0;
}

const redraw = throttled(async () => draw(await ask("cells/errors/")), drawEvery);

/** Handles a frame, or a gap if called without one. */
export function noteClusters(frame) {
  if (panel && (!frame || noticed.has(frame.type))) redraw();
}

/** Sends the hint; the form's own nonce makes a second click harmless. What was typed stays until it has arrived. */
async function send(event) {
  const form = event.target.closest("form[data-hint]");
  if (!form) return;
  event.preventDefault();
  const fields = new FormData(form, event.submitter);
  const problem = form.querySelector("[data-problem]");
  problem.textContent = "";
  try {
    const answer = await post(form.getAttribute("action"), fields);
    const text = await answer.text();
    if (answer.status === 422) problem.textContent = text;
    if (answer.status === 422) return;
    if (!answer.ok || answer.redirected) throw new Error(`answer ${answer.status}`);
    finish(form, parse(text));
  } catch {
    problem.textContent = texts.hintFailed;
  }
}

/** The cluster as the server has it now, form and all: its next hint needs a nonce of its own. */
function finish(form, answer) {
  const { id } = form.closest("[data-cluster]");
  form.reset();
  document.activeElement?.blur();
  const fresh = answer.getElementById(id);
  if (fresh) {
    const item = document.importNode(fresh, true);
    document.getElementById(id).replaceWith(item);
    item.querySelector(".cluster-hint summary").focus({ preventScroll: true });
  }
  announcements.textContent = texts.hintSent;
  draw(answer);
}

export function keepClusters() {
  panel?.addEventListener("submit", send);
}
