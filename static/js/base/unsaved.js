// Forms with data-unsaved: leaving the page with unsaved text asks for confirmation; submitting does not.
const changed = new Set();

for (const form of document.querySelectorAll("form[data-unsaved]")) {
  if ("changed" in form.dataset) changed.add(form);
  form.addEventListener("input", () => changed.add(form));
  form.addEventListener("submit", () => changed.delete(form));
}

addEventListener("beforeunload", (event) => {
  if (changed.size) event.preventDefault();
});

/** For text that a script has put into a form. */
export const markChanged = (form) => changed.add(form);
