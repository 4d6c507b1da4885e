// The list of classes: the page fetches itself again.
import { ask, isSignedOut, put, throttled } from "../base/fragments.js";
import { setText, span } from "../base/time.js";

const refreshEvery = 10000;
const oldAfter = 30000;
const texts = JSON.parse(document.getElementById("live-texts").textContent);
const notice = document.getElementById("classes-old");
let heardAt = Date.now();

/** The sentence is said once; the age beside it only grows for who looks. */
function showAge() {
  const age = Date.now() - heardAt;
  const signedOut = isSignedOut();
  const isOld = signedOut || age > oldAfter;
  document.getElementById("class-list").classList.toggle("is-old", isOld);
  notice.hidden = !isOld;
  const isCut = isOld && !signedOut;
  setText(notice.querySelector("[role=status]"), signedOut ? texts.signedOut : isCut ? texts.lineLost : "");
  setText(notice.querySelector("[data-age]"), isCut ? texts.age.replace("{age}", span(age)) : "");
  notice.querySelector("a").hidden = !signedOut;
}

const refresh = throttled(async () => {
  if (document.hidden || isSignedOut()) return;
  try {
    put(await ask(location.href, { signal: AbortSignal.timeout(20000) }), "class-list");
    heardAt = Date.now();
  } finally {
    showAge();
  }
}, 1000);

setInterval(() => { refresh(); showAge(); }, refreshEvery);
addEventListener("focus", refresh);
addEventListener("online", refresh);
addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
document.addEventListener("visibilitychange", refresh);
