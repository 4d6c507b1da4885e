// The student page: times stay true, and older runs join the list instead of leaving the page.
import { keepTimes, refreshTimes, setServerTime } from "./time.js";

const runs = document.getElementById("runs");

async function loadOlder(event) {
  const link = event.target.closest("#older a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(link.href);
    if (!response.ok || response.redirected) throw new Error(`answer ${response.status}`);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const older = [...page.getElementById("runs").children].map((run) => document.importNode(run, true));
    runs.append(...older);
    const next = page.getElementById("older");
    const place = document.getElementById("older");
    if (next) place.replaceWith(document.importNode(next, true));
    else place.remove();
    refreshTimes(runs);
    older[0]?.setAttribute("tabindex", "-1");
    older[0]?.focus({ preventScroll: true });
  } catch {
    location.assign(link.href);
  }
}

document.addEventListener("click", loadOlder);
setServerTime(document.getElementById("student").dataset.now);
keepTimes();
