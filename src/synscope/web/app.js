"use strict";

// The page of one live capture. Input: server-sent events ("whole", "update", "skipped"). Output: the document.
// Text of the capture goes into the document as text alone (textContent); there is no markup made here.

const SHOWN = 100; // rows in the document
const SUMMARY_MS = 5000; // between two announcements to a screen reader
const AGAIN_MS = 3000;
const SVG = "http://www.w3.org/2000/svg";

const at = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");
const several = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

const state = { labels: new Map(), kept: SHOWN, rows: new Map(), counts: {}, neverShown: 0, health: null, phase: "" };
const filter = new Map(); // label -> {box, count, chip}
const lines = new Map(); // attempt -> its row in the document
let pausedAt = null; // how many attempts there were when the list was paused
let newest = 0; // of the list that is paused
let drawing = false;
let announced = "";
let source = null;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// -- labels ---------------------------------------------------------------------------------------

function learnLabels(labels) {
  for (const one of labels) {
    if (state.labels.has(one.label)) continue;
    state.labels.set(one.label, one);
    const symbol = document.createElementNS(SVG, "symbol");
    symbol.id = `s-${one.name}`;
    symbol.setAttribute("viewBox", "-6 -6 12 12");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", one.shape);
    symbol.append(path);
    at("shapes").append(symbol);
    addFilter(one);
  }
}

function badge(label) {
  const one = state.labels.get(label);
  const made = element("span", one ? `label l-${one.name}` : "label");
  if (one) {
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `#s-${one.name}`);
    picture.append(use);
    made.append(picture);
  }
  made.append(element("span", "", label));
  return made;
}

function addFilter(one) {
  const chip = element("label", `chip l-${one.name}`);
  const box = element("input");
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => draw(true));
  const count = element("b", "", "0");
  chip.append(box, badge(one.label), count);
  chip.hidden = true;
  at("filter").append(chip);
  filter.set(one.label, { box, count, chip });
}

const wanted = (label) => !filter.has(label) || filter.get(label).box.checked;

// -- what comes -----------------------------------------------------------------------------------

function take(told, whole) {
  if (whole) {
    learnLabels(told.labels);
    state.kept = told.kept;
    state.rows.clear();
    write(at("watching"), `Watching ${told.targets.join(", ")} on ${told.interface}`);
    document.title = `${told.targets.join(", ")} – synscope live`;
  }
  for (const row of told.rows) state.rows.set(row.id, row);
  forget();
  state.counts = told.counts;
  state.neverShown = told.never_shown;
  state.health = told.health;
  if (told.phase !== state.phase) enter(told.phase, told.report);
  if (!drawing) {
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      draw(false);
    });
  }
}

function forget() {
  // The same bound as the server's: the newest of each label.
  if (state.rows.size <= state.kept) return;
  const room = new Map();
  for (const row of sorted()) {
    const taken = room.get(row.label) || 0;
    if (taken < state.kept) room.set(row.label, taken + 1);
    else state.rows.delete(row.id);
  }
}

const sorted = () => [...state.rows.values()].sort((one, other) => other.id - one.id);

function enter(phase, report) {
  state.phase = phase;
  at("phase").className = phase === "capturing" ? "phase is-capturing" : "phase";
  const texts = {
    capturing: "capturing; Ctrl-C in the terminal stops it and reports",
    ending: "stopped; the report is being made",
    over: "over; synscope has ended",
  };
  write(at("phase"), texts[phase] || phase);
  if (phase === "over") finish(report);
}

// -- what is shown --------------------------------------------------------------------------------

const total = (labels) => labels.reduce((sum, label) => sum + (state.counts[label] || 0), 0);

function draw(forced) {
  drawHealth();
  for (const [label, { count, chip }] of filter) {
    const many = state.counts[label] || 0;
    write(count, number(many));
    if (many) chip.hidden = false;
  }
  drawRows(forced);
  announce();
}

function drawHealth() {
  const health = state.health;
  if (!health) return;
  write(at("elapsed"), `${Math.floor(health.elapsed_s)} s`);
  write(at("frames"), number(health.frames));
  write(at("lost"), health.lost === null ? "not known" : number(health.lost));
  at("lost").className = health.lost ? "bad" : "";
  write(at("buffer"), `${Math.round(100 * health.ring)} % full, at most ${Math.round(100 * health.fullest)} %`);
  write(at("canary"), health.why ? `${health.canary}: ${health.why}` : health.canary);
  at("canary").className = health.canary === "seen" || health.canary === "not seen yet" ? "" : "bad";
  if (health.trouble) write(at("notice"), `No frames come: ${health.trouble}.`);
}

function drawRows(forced) {
  const labels = [...state.labels.keys()].filter(wanted);
  const many = total(labels);
  let chosen = sorted().filter((row) => wanted(row.label));
  if (pausedAt !== null) {
    chosen = chosen.filter((row) => row.id <= newest);
    if (forced || !lines.size) place(chosen.slice(0, SHOWN));
  } else {
    chosen = chosen.slice(0, SHOWN);
    place(chosen);
  }
  at("table").hidden = lines.size === 0;
  at("filter").hidden = !state.rows.size;
  at("pause").hidden = !state.rows.size || (state.phase === "over" && pausedAt === null);
  write(at("shown"), extent(lines.size, many, labels.length < state.labels.size));
}

function extent(listed, many, filtered) {
  const said = [];
  if (!total([...state.labels.keys()])) {
    return state.phase === "over"
      ? "There was no attempt."
      : "No attempt yet. Reproduce the failure now: attempts to connect appear here.";
  }
  const which = filtered ? " with these labels" : "";
  if (listed >= many) said.push(`${several(many, "attempt")}${which}.`);
  else said.push(`The newest ${number(listed)} of ${several(many, "attempt")}${which}; the rest is counted, not listed.`);
  if (state.neverShown) said.push(`So many came at once that ${number(state.neverShown)} were never listed.`);
  if (pausedAt !== null) {
    said.push(`The list is paused; ${several(total([...state.labels.keys()]) - pausedAt, "attempt")} came since.`);
  }
  return said.join(" ");
}

function place(chosen) {
  const body = at("rows");
  const keep = new Set(chosen.map((row) => row.id));
  for (const [id, line] of lines) {
    if (!keep.has(id)) {
      line.node.remove();
      lines.delete(id);
    }
  }
  let next = body.firstChild;
  for (const row of chosen) {
    let line = lines.get(row.id);
    if (!line) {
      line = { node: element("tr"), row: null };
      line.node.setAttribute("role", "row");
      lines.set(row.id, line);
    }
    if (line.row !== row) fill(line, row);
    if (line.node === next) next = next.nextSibling;
    else body.insertBefore(line.node, next);
  }
}

function fill(line, row) {
  const happened = element("td", "happened", row.text);
  if (!row.settled) happened.append(element("span", "so-far", " · so far"));
  const labelled = element("td", "label-cell");
  labelled.append(badge(row.label));
  const cells = [
    element("td", "number", `#${row.id}`),
    element("td", "began", clock(row.ms)),
    labelled,
    element("td", "ends", `${row.client} → ${row.server}`),
    happened,
    element("td", "process", row.process || ""),
  ];
  for (const cell of cells) cell.setAttribute("role", "cell");
  line.node.replaceChildren(...cells);
  line.row = row;
}

function clock(ms) {
  const time = new Date(ms);
  const two = (value) => String(value).padStart(2, "0");
  const seconds = `${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  return `${two(time.getHours())}:${two(time.getMinutes())}:${seconds}`;
}

// -- for screen readers: now and then, and only what changed --------------------------------------

function announce() {
  if (announce.waiting) return;
  announce.waiting = true;
  setTimeout(() => {
    announce.waiting = false;
    const parts = [...state.labels.keys()]
      .filter((label) => state.counts[label])
      .map((label) => `${number(state.counts[label])} ${label}`);
    const text = parts.length ? `Attempts: ${parts.join(", ")}.` : "";
    if (text === announced) return;
    announced = text;
    write(at("summary"), text);
  }, SUMMARY_MS);
}

// -- the end: everything is fetched at once, for the server goes -----------------------------------

async function finish(report) {
  if (!report) {
    source.close();
    return;
  }
  const frame = at("frame");
  at("report").hidden = false;
  frame.hidden = false;
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  frame.src = report;
  try {
    const [answer] = await Promise.all([fetch(report), loaded]);
    const save = at("save");
    save.href = URL.createObjectURL(await answer.blob());
    save.hidden = false;
  } catch {
    write(at("notice"), "The report did not reach this page; it is on the terminal.");
  }
  source.close();
  fit(frame);
  at("report-title").focus();
}

function fit(frame) {
  const inner = frame.contentDocument && frame.contentDocument.documentElement;
  if (!inner) return;
  const adapt = () => {
    frame.style.height = `${Math.ceil(inner.getBoundingClientRect().height) + 2}px`;
  };
  new ResizeObserver(adapt).observe(inner);
  adapt();
}

// -- the connection -------------------------------------------------------------------------------

function listen() {
  source = new EventSource("events");
  source.addEventListener("whole", (event) => take(JSON.parse(event.data), true));
  source.addEventListener("update", (event) => take(JSON.parse(event.data), false));
  source.addEventListener("skipped", (event) => {
    const many = several(Number(event.data), "update");
    write(at("notice"), `This page fell behind: ${many} were skipped. What it shows is up to date again.`);
  });
  source.addEventListener("open", () => {
    if (state.phase && state.phase !== "over") enter(state.phase, null);
  });
  source.addEventListener("error", () => {
    if (state.phase === "over") return;
    at("phase").className = "phase";
    write(at("phase"), "no connection to synscope: it has ended, or is busy; trying again");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

at("pause").addEventListener("click", () => {
  const pause = pausedAt === null;
  pausedAt = pause ? total([...state.labels.keys()]) : null;
  newest = pause ? Math.max(0, ...lines.keys()) : 0;
  at("pause").setAttribute("aria-pressed", String(pause));
  draw(true);
});

listen();
