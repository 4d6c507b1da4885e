// The panel of error clusters: fetched again when students fail or succeed; a hint is sent without leaving the page.
// For every page that includes errors/_clusters.html.
import { ask, post, texts, throttled } from "../base/class_page.js";
import { refreshTimes, setServerTime } from "../base/time.js";

const drawEvery = 3000;
const noticed = new Set(["progress_update", "student_error_resolved", "refresh_required"]);
const panel = document.getElementById("clusters");
const list = panel?.querySelector(".cluster-list");
const announcements = document.getElementById("announcements");

const byKey = (key) => [...list.children].find((item) => item.dataset.cluster === key);

/** The user has opened the form or is writing in it: do not replace it. */
function isInUse(item) {
  return item.contains(document.activeElement) || item.querySelector("input[name=text]").value !== "";
}

function patch(item, fresh) {
  item.classList.remove("is-over");
  const [facts, now] = [item, fresh].map((one) => one.querySelector("[data-facts]"));
  if (facts.innerHTML === now.innerHTML) return; // compared only; both are the server's
  const hadFocus = facts.contains(document.activeElement);
  facts.replaceWith(document.importNode(now, true));
  if (hadFocus) item.querySelector("[data-facts] a").focus({ preventScroll: true });
}

function draw(answer) {
  const fresh = answer.getElementById("clusters");
  setServerTime(fresh.dataset.now);
  const items = [...fresh.querySelectorAll("[data-cluster]")];
  const keys = new Set(items.map((item) => item.dataset.cluster));
  for (const old of [...list.children]) {
    if (keys.has(old.dataset.cluster)) continue;
    if (isInUse(old)) old.classList.add("is-over");
    else old.remove();
  }
  const holdsFocus = list.contains(document.activeElement);
  for (const [place, item] of items.entries()) {
    let old = byKey(item.dataset.cluster);
    if (old) patch(old, item);
    else {
      old = document.importNode(item, true);
      list.append(old);
      announcements.textContent = old.querySelector(".cluster-title").textContent.trim();
    }
    if (!holdsFocus && list.children[place] !== old) list.insertBefore(old, list.children[place]);
  }
  panel.querySelector("[data-clusters-loading]")?.remove();
  panel.querySelector("[data-clusters-none]").hidden = list.children.length > 0;
  refreshTimes(panel);
}

const redraw = throttled(async () => {
  try {
    draw(await ask("cells/errors/"));
  } catch {
    // The next frame, or the next connection, asks again.
  }
}, drawEvery);

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
    finish(form, new DOMParser().parseFromString(text, "text/html"));
  } catch {
    problem.textContent = texts.hintFailed;
  }
}

/** The cluster as the server has it now, form and all: its next hint needs a nonce of its own. */
function finish(form, answer) {
  const item = form.closest("[data-cluster]");
  const fresh = [...answer.querySelectorAll("[data-cluster]")].find((one) => one.dataset.cluster === item.dataset.cluster);
  form.reset();
  document.activeElement?.blur();
  if (fresh) {
    const now = document.importNode(fresh, true);
    item.replaceWith(now);
    now.querySelector(".cluster-hint summary").focus({ preventScroll: true });
  }
  announcements.textContent = texts.hintSent;
  draw(answer);
}

/** Times that are true by the server's clock whatever page this is on. */
export function keepClusters() {
  panel?.addEventListener("submit", send);
}
