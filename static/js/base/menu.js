// Menus work by themselves (each is a <details>); with a script one also closes when it is left, or by Escape. Those of
// lists that are rendered again are new elements, so the listener is on the page and not on the menu.
const open = () => document.querySelectorAll("[data-menu][open]");

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const menu = event.target.closest("[data-menu][open]") ?? open()[0];
  if (!menu) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("[data-menu][open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
document.addEventListener("pointerdown", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
