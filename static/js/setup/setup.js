// The set-up pages: copy what is shown once, and look again whether events arrive.
import { texts } from "../base/class_page.js";
import { keepCopying } from "../base/copy.js";
import { ask, isSignedOut, put } from "../base/fragments.js";
import { keepTimes, setServerTime } from "../base/time.js";

const LOOK_AGAIN = 5000;
const connection = document.getElementById("connection");
const announcements = document.getElementById("announcements");
const words = document.getElementById("setup-texts");
const say = words ? JSON.parse(words.textContent) : {};

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

keepCopying(say);
if (connection) {
  setServerTime(connection.dataset.now);
  keepTimes();
  keepLooking(connection.dataset.address);
}
