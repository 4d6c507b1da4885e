// Which keys mean which action on this device: what the server proposes, and what was changed here.
const handed = document.getElementById("shortcuts");
const { actions, texts } = handed ? JSON.parse(handed.textContent) : { actions: [], texts: {} };
const store = "shortcuts";
const silent = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process", "Unidentified", "Compose"]);
const reserved = /^(Shift\+)?(Tab|Enter|Space|Escape|Backspace|Delete|Home|End|PageUp|PageDown|Arrow\w+)$/;
const modified = /(^| )(Shift\+)?(Ctrl|Alt|Meta)\+/;
let chosen = load();

export { actions, texts };
export const hasModifier = (keys) => modified.test(keys);
export const isPlainOn = () => chosen.plain;
export const keysOf = (action) => chosen.keys[action.name] ?? action.keys;
export const isOn = (action) => keysOf(action) !== "" && (chosen.plain || hasModifier(keysOf(action)));

function load() {
  const usual = { plain: true, keys: {} };
  try {
    const found = JSON.parse(localStorage.getItem(store)) ?? {};
    const names = new Set(actions.map((action) => action.name));
    const keys = Object.entries(found.keys ?? {}).filter(([name, value]) => names.has(name) && typeof value === "string");
    return { plain: found.plain !== false, keys: Object.fromEntries(keys) };
  } catch {
    return usual; // forbidden storage, or not ours
  }
}

function save() {
  try {
    localStorage.setItem(store, JSON.stringify(chosen));
  } catch { /* it holds for this page, then */ }
}

/** What was pressed, as one word: "c", "Shift+j", "?", "Ctrl+Enter"; "" for a key that is none by itself. On a keyboard
 *  of another alphabet the place of the key counts. */
export function chordOf(event) {
  if (silent.has(event.key)) return "";
  const typed = [...event.key].length === 1;
  let key = event.key === " " ? "Space" : event.key;
  if (typed && key > "~" && /^Key[A-Z]$/.test(event.code)) key = event.code.slice(3);
  const isLetter = /^[a-z]$/i.test(key);
  if (isLetter) key = key.toLowerCase();
  const writes = event.getModifierState("AltGraph"); // AltGr reports Ctrl and Alt on some systems
  const parts = [
    event.ctrlKey && !writes && "Ctrl",
    event.altKey && !writes && "Alt",
    event.metaKey && "Meta",
    event.shiftKey && (isLetter || !typed || key === "Space") && "Shift",
    key,
  ];
  return parts.filter(Boolean).join("+");
}

/** The action of these keys among `candidates`, and whether they are the beginning of one. */
export function match(keys, candidates) {
  const on = candidates.filter(isOn);
  return {
    action: on.find((action) => keysOf(action) === keys),
    begins: on.some((action) => keysOf(action).startsWith(`${keys} `)),
  };
}

/** Why an action cannot have these keys: the name of a text and the action in the way; null where it can. */
export function refusal(action, keys) {
  if (keys.split(" ").some((chord) => reserved.test(chord))) return { text: "reserved", action };
  if (action.inFields && !hasModifier(keys)) return { text: "needsModifier", action };
  for (const other of actions) {
    const theirs = keysOf(other);
    if (other === action || !theirs) continue;
    if (theirs === keys) return { text: "taken", action: other };
    if (theirs.startsWith(`${keys} `) || keys.startsWith(`${theirs} `)) return { text: "begins", action: other };
  }
  return null;
}

export function assign(action, keys) {
  if (keys === action.keys) delete chosen.keys[action.name];
  else chosen.keys[action.name] = keys;
  save();
}

export function switchPlain(on) {
  chosen.plain = on;
  save();
}

export function reset() {
  chosen = { plain: true, keys: {} };
  save();
}

addEventListener("storage", (event) => { if (event.key === store) chosen = load(); }); // changed in another tab
