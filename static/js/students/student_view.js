// One student, on the student page or in the drawer: the head follows the status, new runs are added on top without
// moving what is being read, older ones below. The markup always comes from the server.
//
// followStudent(root, { top, onGone }) returns { refresh, receive(frame), stop }.
//   root    the [data-student-view] of templates/students/_student.html
//   top()   where the visible part of the page or panel begins, in pixels of the window
//   onGone() the student is no longer in this class
import { ask, Gone, isSignedOut, morph, throttled } from "../base/fragments.js";
import { refreshTimes, serverNow } from "../base/time.js";

const refreshEvery = 1000; // ms between two requests for a student who works fast
const ageEvery = 10000;

export function followStudent(root, { top, onGone = () => {} }) {
  const { student, address, query } = root.dataset;
  const list = root.querySelector("ol[data-runs]");
  const button = root.querySelector("[data-new-runs]");
  const held = []; // new runs that wait until the reader wants them
  let newest = Number(root.dataset.newest ?? NaN); // no number where nothing new may come: a page of older runs
  let stopped = false;

  // All that an open page fetches belongs to the view it was opened as (the audit log counts those).
  const view = () => encodeURIComponent(root.querySelector("[data-head]").dataset.view);
  const path = (more) => `${address}?${[query, ...more, `view=${view()}`].filter(Boolean).join("&")}`;

  const refresh = throttled(async () => {
    if (stopped || isSignedOut()) return;
    try {
      const asked = Number.isNaN(newest) ? Number.MAX_SAFE_INTEGER : newest;
      const news = await ask(path([`after=${asked}`]), { mayBeGone: true });
      if (!stopped) take(news);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      onGone();
    }
  }, refreshEvery);

  function take(news) {
    morph(root.querySelector("[data-head]"), news.querySelector("[data-head]"));
    const runs = news.querySelector("ol[data-runs]");
    if (!list || !runs || Number.isNaN(newest)) return;
    newest = Math.max(newest, Number(runs.dataset.newest));
    const come = [...runs.children].map((run) => document.importNode(run, true));
    held.push(...come.filter((run) => !isKnown(run)));
    if (!isBeingRead()) insert();
    showHeld();
  }

  const isKnown = (run) => [...list.children, ...held].some((other) => other.dataset.run === run.dataset.run);

  /** Scrolled past its beginning, with the focus in it, or with a part of it selected. */
  function isBeingRead() {
    const selection = getSelection();
    const selects = !selection.isCollapsed && list.contains(selection.anchorNode);
    const hasRuns = list.children.length > 0;
    return hasRuns && (selects || list.contains(document.activeElement) || list.getBoundingClientRect().top < top());
  }

  function showHeld() {
    if (!button) return;
    const count = held.length;
    button.hidden = count === 0;
    button.textContent = count === 1 ? button.dataset.one : button.dataset.many.replace("{count}", count);
  }

  const isAbove = (run, other) => {
    const [first, second] = [Date.parse(run.dataset.at), Date.parse(other.dataset.at)];
    return first === second ? Number(run.dataset.run) > Number(other.dataset.run) : first > second;
  };

  /** Where their time says: an event that was late is not the newest. */
  function insert() {
    const before = list.firstElementChild;
    for (const run of held.splice(0)) {
      const next = [...list.children].find((other) => isAbove(run, other)) ?? null;
      const isOlderThanAll = next === null && root.querySelector("[data-older]");
      if (!isOlderThanAll) list.insertBefore(run, next); // else it comes with the older runs
    }
    root.querySelector("[data-no-runs]").hidden = list.children.length > 0;
    group();
    fold(before);
    refreshTimes(list);
  }

  /** As the server paints them: earlier tries are closed. But not the one that was on top, which may just be read, nor
   *  what the reader opened. */
  function fold(latest) {
    for (const body of list.querySelectorAll(".is-retry > .run-body[open]:not([data-touched])")) {
      if (body.parentElement !== latest) body.open = false;
    }
  }

  /** Tries of one cell in a row belong together: the latest counts them, the others stand below it. */
  function group() {
    if (!("grouped" in list.dataset)) return;
    let first = null;
    let count = 0;
    const close = () => {
      const tries = first?.querySelector("[data-tries]");
      if (!tries) return;
      tries.hidden = count < 2;
      tries.textContent = list.dataset.tries.replace("{count}", count);
    };
    for (const run of list.children) {
      const isRetry = first?.dataset.cell === run.dataset.cell;
      run.classList.toggle("is-retry", isRetry);
      if (isRetry) {
        count += 1;
        run.querySelector("[data-tries]").hidden = true;
      } else {
        close();
        [first, count] = [run, 1];
      }
    }
    close();
  }

  function showNew() {
    const latest = held[0];
    insert();
    showHeld();
    latest.tabIndex = -1;
    latest.focus({ preventScroll: true });
    root.querySelector(".student-runs").scrollIntoView({ block: "start" });
  }

  async function loadOlder(link) {
    link.setAttribute("aria-busy", "true");
    try {
      const page = await ask(`${link.getAttribute("href")}&view=${view()}`);
      const come = [...page.querySelectorAll("ol[data-runs] > li")].map((run) => document.importNode(run, true));
      const older = come.filter((run) => !isKnown(run));
      list.append(...older);
      const next = page.querySelector("[data-older]");
      const place = root.querySelector("[data-older]");
      if (next) place.replaceWith(document.importNode(next, true));
      else place.remove();
      group();
      refreshTimes(list);
      older[0]?.setAttribute("tabindex", "-1");
      older[0]?.focus({ preventScroll: true });
    } catch {
      if (!isSignedOut()) location.assign(link.href);
    }
    link.removeAttribute("aria-busy");
  }

  function click(event) {
    if (event.target.closest("[data-new-runs]")) return showNew();
    event.target.closest("summary")?.parentElement.toggleAttribute("data-touched", true);
    const link = event.target.closest("[data-older] a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return undefined;
    event.preventDefault();
    return loadOlder(link);
  }

  function receive(frame) {
    const rows = frame.type === "progress_update" ? [frame.data].flat() : [];
    const isAbout = rows.some((row) => String(row?.studentId) === student);
    if (isAbout || frame.type === "attention_update" || frame.type === "refresh_required") refresh();
  }

  /** An active student who does nothing grows idle, and no frame says so. */
  function age() {
    const { status, activity } = root.querySelector("[data-head]").dataset;
    const limit = { active: root.dataset.activeSeconds, error: root.dataset.errorSeconds }[status];
    if (limit && serverNow() - Date.parse(activity) > limit * 1000) refresh();
  }

  root.addEventListener("click", click);
  const aging = setInterval(age, ageEvery);
  refreshTimes(root);
  return {
    refresh,
    receive,
    stop() {
      stopped = true;
      clearInterval(aging);
    },
  };
}
