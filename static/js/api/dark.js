// The page of the API has a dark mode of its own, by a class. It follows the chosen theme, else that of the system.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const chosen = root.dataset.theme;
    root.classList.toggle("dark-mode", chosen ? chosen === "dark" : system.matches);
  };
  follow();
  system.addEventListener("change", follow);
})();
