// Runs before the first paint (a plain script in the head), so that a chosen theme never flashes.
(() => {
  const themes = ["auto", "light", "dark"];
  const root = document.documentElement;

  function chosen() {
    try {
      const theme = localStorage.getItem("theme");
      return themes.includes(theme) ? theme : "auto";
    } catch {
      return "auto"; // storage may be forbidden
    }
  }

  function apply(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  }

  apply(chosen());

  document.addEventListener("DOMContentLoaded", () => {
    const buttons = document.querySelectorAll("[data-theme-switch]");
    let theme = chosen();
    const name = () => { for (const button of buttons) button.textContent = button.dataset[theme]; };
    name();
    for (const button of buttons) {
      button.hidden = false;
      button.addEventListener("click", () => {
        theme = themes[(themes.indexOf(theme) + 1) % themes.length];
        try {
          localStorage.setItem("theme", theme);
        } catch { /* it holds for this page, then */ }
        apply(theme);
        name();
      });
    }
  });
})();
