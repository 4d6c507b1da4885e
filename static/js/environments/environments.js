// The environments of a class: drawn again by the server when reports may have arrived, and lines to copy.
import { ask, isSignedOut, startRoom, throttled } from "../base/class_page.js";
import { refreshTimes, setServerTime } from "../base/time.js";

const refreshEvery = 20000;
const place = () => document.getElementById("state");

/** Puts the new state in the place of the old one; what is open stays open, and the focus stays where it was. */
function replace(fresh) {
  const old = place();
  const now = fresh.dataset.now;
  const next = document.importNode(fresh, true);
  for (const details of old.querySelectorAll("details[open][id]")) {
    next.querySelector(`#${details.id}`)?.setAttribute("open", "");
  }
  const links = [...old.querySelectorAll("a, summary")];
  const focused = links.indexOf(document.activeElement);
  const text = links[focused]?.textContent;
  old.replaceWith(next);
  setServerTime(now);
  refreshTimes(next);
  if (focused >= 0) [...next.querySelectorAll("a, summary")].find((link) => link.textContent === text)?.focus({ preventScroll: true });
}

const refresh = throttled(async () => {
  if (document.hidden || isSignedOut()) return;
  try {
    const page = await ask(location.href);
    const fresh = page.getElementById("state");
    if (fresh) replace(fresh);
  } catch {
    // The line above the page tells how old it is; the next round tries again.
  }
}, 5000);

function offerSnippet() {
  const code = document.querySelector("[data-snippet]");
  const key = document.getElementById("report-key");
  const button = document.querySelector("[data-copy]");
  const said = document.querySelector("[data-copied]");
  const lines = code.textContent;
  for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;
  key.addEventListener("input", () => {
    const typed = key.value.trim();
    code.textContent = typed ? lines.replace(key.dataset.placeholder, encodeURIComponent(typed)) : lines;
    said.textContent = "";
  });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = button.dataset.done;
    } catch {
      getSelection().selectAllChildren(code); // no clipboard without HTTPS: selected, Ctrl-C does the rest
      said.textContent = button.dataset.failed;
    }
  });
}

offerSnippet();
startRoom({ onOpen: refresh, onFrame: () => {} });
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, refreshEvery);
