// The set-up pages: copy what is shown once, and look again whether events arrive.
import { ask, isSignedOut, texts } from "../base/class_page.js";
import { keepTimes, refreshTimes, setServerTime } from "../base/time.js";

const LOOK_AGAIN = 5000;
const announcements = document.getElementById("announcements");
const words = document.getElementById("setup-texts");
const say = words ? JSON.parse(words.textContent) : {};

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = announcements.textContent = say.copied;
  } catch {
    // No secure page, or not allowed: it is selected, and the keyboard copies it.
    select(source);
    source.focus();
    button.textContent = announcements.textContent = say.selected;
  }
}

function keepCopying() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

function show(page) {
  const fresh = page.getElementById("connection");
  const shown = document.getElementById("connection");
  if (!fresh) return;
  if (fresh.dataset.state !== shown.dataset.state) {
    announcements.textContent = fresh.querySelector("[data-connection-words]").textContent.trim();
  }
  setServerTime(fresh.dataset.now);
  shown.replaceWith(document.importNode(fresh, true));
  refreshTimes(document.getElementById("connection"));
}

function keepLooking(address) {
  const age = document.getElementById("connection-age");
  const timer = setInterval(async () => {
    if (document.hidden) return;
    try {
      show(await ask(address));
      age.hidden = true;
    } catch {
      age.textContent = isSignedOut() ? texts.signedOut : say.away;
      age.hidden = false;
      if (isSignedOut()) clearInterval(timer);
    }
  }, LOOK_AGAIN);
}

keepCopying();
const connection = document.getElementById("connection");
if (connection) {
  setServerTime(connection.dataset.now);
  keepTimes();
  keepLooking(connection.dataset.address);
}
