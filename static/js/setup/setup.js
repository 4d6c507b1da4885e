// The set-up pages: copy what is shown once, and look again whether events arrive.
import { texts } from "../base/class_page.js";
import { ask, isSignedOut, put } from "../base/fragments.js";
import { keepTimes, setServerTime } from "../base/time.js";

const LOOK_AGAIN = 5000;
const connection = document.getElementById("connection");
const announcements = document.getElementById("announcements");
const words = document.getElementById("setup-texts");
const say = words ? JSON.parse(words.textContent) : {};

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = announcements.textContent = say.copied;
  } catch {
    // No secure page, or not allowed: it is selected, and the keyboard copies it.
    getSelection().selectAllChildren(source);
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
  const { state } = connection.dataset;
  put(page, "connection");
  put(page, "devices");
  if (connection.dataset.state !== state) announcements.textContent = connection.querySelector("[data-connection-words]").textContent.trim();
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
if (connection) {
  setServerTime(connection.dataset.now);
  keepTimes();
  keepLooking(connection.dataset.address);
}
