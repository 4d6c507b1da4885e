// A persistent socket: it reconnects, detects a dead connection, and reports its state.
//
// connect({ path, onOpen, onFrame, onState, onShutOut }) calls
//   onOpen()        after every connection_established: whatever happened before is unknown, so fetch the state;
//   onFrame(frame)  for every frame with a meaning for the page;
//   onState(state, heardAt)  at least once a second: "connecting" | "live" | "stale" | "reconnecting";
//   onShutOut()     when the server closes it because the login has ended.
const pingEvery = 20000;
const staleAfter = 25000; // a ping has gone unanswered for a while
const deadAfter = 35000; // close and connect again
const longestWait = 30000;
const shutOut = 4001;
const silent = new Set(["pong", "connection_established"]);

export function connect({ path, onOpen, onFrame, onState, onShutOut }) {
  let socket = null;
  let attempts = 0;
  let everOpen = false;
  let heardAt = Date.now(); // when the page was last up to date: its rendering, then every frame
  let lastSign = 0; // when anything was received on the current socket
  let lastPing = 0;
  let timer = 0;

  function open() {
    clearTimeout(timer);
    const address = new URL(path, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const current = new WebSocket(address);
    socket = current;
    lastSign = lastPing = Date.now();
    current.onmessage = (event) => { if (socket === current) receive(event.data); };
    current.onclose = (event) => {
      if (socket !== current) return;
      again();
      if (event.code === shutOut) onShutOut?.();
    };
  }

  function receive(text) {
    lastSign = heardAt = Date.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame.type === "connection_established") {
      attempts = 0;
      everOpen = true;
      onOpen();
    } else if (!silent.has(frame.type)) {
      onFrame(frame);
    }
    report();
  }

  function again() {
    socket = null;
    const wait = Math.min(1000 * 2 ** attempts, longestWait);
    attempts += 1;
    timer = setTimeout(open, wait * (0.75 + Math.random() / 2)); // jitter: 30 dashboards must not return as one
    report();
  }

  function drop() {
    const old = socket;
    socket = null;
    old?.close();
  }

  function state() {
    if (socket?.readyState !== WebSocket.OPEN || attempts > 0) return everOpen || attempts > 1 ? "reconnecting" : "connecting";
    if (!everOpen) return "connecting";
    return Date.now() - lastSign > staleAfter ? "stale" : "live";
  }

  const report = () => onState(state(), heardAt);

  function tick() {
    const now = Date.now();
    if (socket?.readyState === WebSocket.OPEN && now - lastPing >= pingEvery) {
      lastPing = now;
      socket.send('{"type":"ping"}');
    }
    if (socket && now - lastSign > deadAfter) {
      drop();
      again();
    }
    report();
  }

  function hurry() {
    if (socket?.readyState === WebSocket.OPEN) return;
    drop();
    open();
  }

  addEventListener("online", hurry);
  addEventListener("pageshow", (event) => { if (event.persisted) hurry(); });
  addEventListener("pagehide", drop);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
  setInterval(tick, 1000);
  open();
}
