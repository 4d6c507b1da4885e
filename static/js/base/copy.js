// Buttons that copy a text of the page: `data-copy` names its element. Without a script they stay hidden.

async function copy(button, words, announcements) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = announcements.textContent = words.copied;
  } catch {
    // No secure page, or not allowed: it is selected, and the keyboard copies it.
    getSelection().selectAllChildren(source);
    source.focus();
    button.textContent = announcements.textContent = words.selected;
  }
}

export function keepCopying(words) {
  const announcements = document.getElementById("announcements");
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button, words, announcements));
  }
}
