// A table as a grid for the keyboard: one tab stop, arrows move between cells, Home, End, Page Up and Page Down leap.
//
// keepGrid(table, { onShow, onEnter }) calls onShow(cell) for the cell under the focus or the pointer, and
// onEnter(cell) for Enter, Space or a click. Cells stay plain `td`s: attributes are set on the current one alone.
const page = 10;

export function keepGrid(table, { onShow, onEnter, label }) {
  let current = null;

  const rows = () => [...table.tHead.rows, ...table.tBodies[0].rows];
  const target = (cell) => cell.querySelector("a") ?? cell;

  /** Makes it the table's tab stop, with a name of its own for those who hear it. */
  function choose(cell) {
    if (current && current !== cell) {
      target(current).tabIndex = -1;
      if (target(current) === current) current.removeAttribute("aria-label");
    }
    current = cell;
    const place = target(cell);
    place.tabIndex = 0;
    if (place === cell) cell.setAttribute("aria-label", label(cell));
  }

  function focus(cell) {
    choose(cell);
    target(cell).focus();
    if (cell.cellIndex > 0) cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function moved(event) {
    const all = rows();
    const row = all.indexOf(current.parentElement);
    const column = current.cellIndex;
    const last = current.parentElement.cells.length - 1;
    const ends = event.ctrlKey || event.metaKey;
    const places = {
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      Home: [ends ? 0 : row, 0], End: [ends ? all.length - 1 : row, last], PageUp: [row - page, column], PageDown: [row + page, column],
    };
    const place = places[event.key];
    if (!place) return null;
    const [down, right] = [Math.max(0, Math.min(all.length - 1, place[0])), Math.max(0, Math.min(last, place[1]))];
    return all[down].cells[right];
  }

  table.addEventListener("keydown", (event) => {
    if (event.altKey || !current) return;
    if ((event.key === "Enter" || event.key === " ") && event.target === current) {
      event.preventDefault();
      onEnter(current);
      return;
    }
    const next = moved(event);
    if (!next) return;
    event.preventDefault();
    focus(next);
  });
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td, th");
    if (!cell) return;
    choose(cell);
    onShow(cell);
  });
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.target.closest("a")) return;
    choose(cell);
    onEnter(cell);
  });
  table.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const cell = event.target.closest("td, th");
    if (cell) onShow(cell);
  });

  table.setAttribute("role", "grid");
  for (const link of table.tBodies[0].querySelectorAll("th a")) link.tabIndex = -1;
  const first = table.tBodies[0].rows[0]?.cells[1];
  if (first) choose(first);

  return { focus, current: () => current, relabel: () => { if (current && target(current) === current) choose(current); } };
}
