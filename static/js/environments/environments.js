// The environments of a class: drawn again by the server when reports may have arrived, and lines to copy.
import { follow } from "../base/class_page.js";
import { ask, isSignedOut, put, throttled } from "../base/fragments.js";

const refreshEvery = 20000;

const refresh = throttled(async () => {
  if (!document.hidden && !isSignedOut()) put(await ask(location.href), "state");
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
follow({ onOpen: refresh });
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, refreshEvery);
