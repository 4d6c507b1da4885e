// The list of classes: the page fetches itself again and replaces the parts that differ.
import { span } from "../base/time.js";

const refreshEvery = 10000;
const oldAfter = 30000;
const texts = JSON.parse(document.getElementById("live-texts").textContent);
const notice = document.getElementById("classes-old");
const list = () => document.querySelector(".class-list");
const addressOf = (tile) => tile.querySelector("h2 a")?.getAttribute("href") ?? "";
let heardAt = Date.now();
let running = false;
let signedOut = false;

function sameTiles(old, fresh) {
  const [before, after] = [old, fresh].map((one) => [...one.children].map(addressOf).join(" "));
  return before === after;
}

/** The figures alone where the classes are the same, so that a link in use stays where it is. */
function swap(fresh) {
  const old = list();
  if (!sameTiles(old, fresh)) {
    if (!old.contains(document.activeElement)) old.replaceWith(document.importNode(fresh, true));
    return;
  }
  [...old.children].forEach((tile, index) => {
    const [before, after] = [tile, fresh.children[index]].map((one) => one.querySelector(".figures"));
    if (before && after && before.outerHTML !== after.outerHTML) before.replaceWith(document.importNode(after, true));
  });
}

function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** The sentence is said once; the age beside it only grows for who looks. */
function showAge() {
  const age = Date.now() - heardAt;
  const isOld = signedOut || age > oldAfter;
  list().classList.toggle("is-old", isOld);
  notice.hidden = !isOld;
  const isCut = isOld && !signedOut;
  setText(notice.querySelector("[role=status]"), signedOut ? texts.signedOut : isCut ? texts.lineLost : "");
  setText(notice.querySelector("[data-age]"), isCut ? texts.age.replace("{age}", span(age)) : "");
  notice.querySelector("a").hidden = !signedOut;
}

async function refresh() {
  if (running || document.hidden || signedOut) return;
  running = true;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html", "X-Requested-With": "fragment" }, signal: AbortSignal.timeout(20000) });
    signedOut = response.redirected;
    if (response.ok && !signedOut) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.querySelector(".class-list");
      if (fresh) swap(fresh);
      heardAt = Date.now();
    }
  } catch { /* the line is cut: the age says so */
  } finally {
    running = false;
    showAge();
  }
}

setInterval(() => { refresh(); showAge(); }, refreshEvery);
addEventListener("focus", refresh);
addEventListener("online", refresh);
addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
document.addEventListener("visibilitychange", refresh);
