// The header's menu works by itself (it is a <details>); with a script it also closes when it is left.
for (const menu of document.querySelectorAll("[data-menu]")) {
  const close = () => { menu.open = false; };
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    close();
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(); });
  document.addEventListener("pointerdown", (event) => { if (!menu.contains(event.target)) close(); });
}
