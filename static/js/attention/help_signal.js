// Announces a new help request to screen readers and, if enabled on this device, by a tone and a notification.
//
// Only for new requests, whose id was not on the page before. Re-sends, claims and the first rendering are silent,
// and so is a projector, which shows the class no names and plays it no tones.
import { isProjected, texts } from "../base/class_page.js";

const announcements = document.getElementById("announcements");
const wanted = { sound: "alertSound", notification: "alertNotification" };
let known = new Set();
let audio = null;

function remembered(kind) {
  try {
    return localStorage.getItem(wanted[kind]) === "on";
  } catch {
    return false; // storage may be forbidden
  }
}

function remember(kind, isOn) {
  try {
    localStorage.setItem(wanted[kind], isOn ? "on" : "off");
  } catch { /* it holds for this page, then */ }
  choices[kind] = isOn;
}

const choices = { sound: remembered("sound"), notification: remembered("notification") };

/** Two soft notes, a third of a second. A browser allows it once the page was touched. */
async function play() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") await audio.resume();
  const begin = audio.currentTime + 0.02;
  [660, 880].forEach((frequency, index) => {
    const at = begin + index * 0.16;
    const tone = new OscillatorNode(audio, { frequency });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.12, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.18);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.2);
  });
}

function canNotify() {
  return "Notification" in window && Notification.permission === "granted";
}

function showChoices(root) {
  const place = root.querySelector("[data-alerts]");
  if (!place) return;
  for (const button of place.querySelectorAll("[data-alert]")) {
    const kind = button.dataset.alert;
    button.setAttribute("aria-pressed", String(choices[kind] && (kind === "sound" || canNotify())));
  }
}

async function choose(button) {
  const kind = button.dataset.alert;
  let isOn = button.getAttribute("aria-pressed") !== "true";
  if (kind === "notification" && isOn) {
    if (!("Notification" in window) || await Notification.requestPermission() !== "granted") {
      isOn = false;
      announcements.textContent = texts.notificationsBlocked;
      button.title = texts.notificationsBlocked;
    }
  }
  remember(kind, isOn);
  button.setAttribute("aria-pressed", String(isOn));
  if (kind === "sound" && isOn) play();
}

function announce(names) {
  const sentence = names.map((name) => texts.helpArrived.replace("{name}", name)).join(" ");
  announcements.textContent = sentence;
  if (isProjected) return;
  if (choices.sound) play().catch(() => {});
  if (choices.notification && canNotify()) new Notification(sentence, { tag: "help", silent: true });
}

/** Compares the queue with what was there before. */
export function showAlerts(root, { isFirst = false } = {}) {
  showChoices(root);
  const queue = [...root.querySelectorAll("[data-ticket]")];
  const fresh = queue.filter((entry) => !known.has(entry.dataset.ticket) && !("claimed" in entry.dataset));
  known = new Set(queue.map((entry) => entry.dataset.ticket));
  if (!isFirst && fresh.length) announce(fresh.map((entry) => entry.dataset.name));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-alert]");
  if (button) choose(button);
});
