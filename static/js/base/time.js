// Times in the reader's language, by the server's clock and in its zone: a classroom computer may be minutes off, and a
// laptop in another country.
const language = document.documentElement.lang || "en";
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const timeZone = document.body.dataset.zone;
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
const steps = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const refreshEvery = 5000;
const units = {};
let offset = 0;

export function setServerTime(iso) {
  const server = Date.parse(iso);
  if (!Number.isNaN(server)) offset = server - Date.now();
}

export const serverNow = () => Date.now() + offset;

export function ago(moment) {
  const seconds = Math.max(0, (serverNow() - moment) / 1000);
  if (seconds < 5) return relative.format(0, "second");
  const [unit, size] = steps.find(([, length]) => seconds >= length);
  // "numeric: auto" says "yesterday"; for a day that is right, for the rest it changes nothing.
  return relative.format(-Math.floor(seconds / size), unit);
}

export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [unit, size] = steps.find(([name, length]) => name !== "day" && seconds >= length) ?? ["second", 1];
  units[unit] ??= new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" });
  return units[unit].format(Math.floor(seconds / size));
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** How long ago, for how long, or at what time of day. */
export function refreshTimes(root = document) {
  for (const time of root.querySelectorAll("time:is([data-ago], [data-waiting], [data-clock])")) {
    const moment = Date.parse(time.dateTime);
    if (Number.isNaN(moment)) continue;
    const { dataset } = time;
    setText(time, "ago" in dataset ? ago(moment) : "waiting" in dataset ? span(serverNow() - moment) : clock.format(moment));
  }
}

export function keepTimes() {
  refreshTimes();
  setInterval(refreshTimes, refreshEvery);
}
