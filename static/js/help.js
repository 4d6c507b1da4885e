// The queue of those who ask for help, drawn from the cards: who waits longest comes first.
import { patch } from "./cards.js";
import { refreshTimes } from "./time.js";

const template = document.getElementById("help-entry");
const announcements = document.getElementById("announcements");

const text = (card, name) => card.querySelector(`[data-field="${name}"]`).textContent;
const since = (card) => Date.parse(card.dataset.helpSince) || Infinity;

function entry(list, card) {
  const id = card.dataset.student;
  const found = list.querySelector(`[data-help-for="${id}"]`) ?? template.content.firstElementChild.cloneNode(true);
  found.dataset.helpFor = id;
  patch(found, "name", text(card, "name")).href = card.querySelector("h3 a").href;
  patch(found, "team", text(card, "team"));
  patch(found, "notebook", text(card, "notebook"));
  found.querySelector("time").dateTime = card.dataset.helpSince;
  return found;
}

export function drawHelp(cards) {
  const list = document.getElementById("help-list");
  const asking = cards.filter((card) => card.dataset.status === "help")
    .sort((a, b) => since(a) - since(b) || a.dataset.student - b.dataset.student);
  const ids = new Set(asking.map((card) => card.dataset.student));
  for (const old of [...list.children]) if (!ids.has(old.dataset.helpFor)) old.remove();
  asking.forEach((card, index) => {
    const found = entry(list, card);
    if (list.children[index] !== found) list.insertBefore(found, list.children[index] ?? null);
  });
  document.querySelector("[data-help-none]").hidden = asking.length > 0;
  refreshTimes(list);
}

export function announceHelp(name, texts) {
  announcements.textContent = texts.helpArrived.replace("{name}", name);
}
