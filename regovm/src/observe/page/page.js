"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const UNITS = ["time", "steps", "bytes"];
const [NANOS, STEPS, BYTES, RUNS, MEMBERS, KNOWN, HITS, MISSES] = [0, 1, 2, 3, 4, 5, 6, 7];
const $ = (id) => document.getElementById(id);

// What is shown.
let weight = Math.max(0, UNITS.indexOf(data.weight));
let wanted = "";
const order = {};
const whole = {};

// Texts.

const counted = (value) => value.toLocaleString("en");
function amount(value, kind) {
  if (kind === NANOS) {
    if (value >= 1e9) return (value / 1e9).toFixed(2) + " s";
    if (value >= 1e6) return (value / 1e6).toFixed(2) + " ms";
    if (value >= 1e3) return (value / 1e3).toFixed(1) + " µs";
    return value + " ns";
  }
  if (kind === BYTES) {
    if (value >= 1073741824) return (value / 1073741824).toFixed(2) + " GiB";
    if (value >= 1048576) return (value / 1048576).toFixed(1) + " MiB";
    if (value >= 1024) return (value / 1024).toFixed(1) + " KiB";
    return value + " B";
  }
  return counted(value);
}
const what = (found) =>
  "it ran " + counted(found.begun) + " times and visited " + counted(found.visited) + " members, " + counted(Math.round(found.visited / found.begun)) + " each time";
const capital = (text) => text[0].toUpperCase() + text.slice(1);
const unit = () => (weight === STEPS ? " steps" : "");
function share(value, of) {
  const part = of ? 100 * value / of : 0;
  if (part > 0 && part < 0.05) return "<0.1%";
  return (part >= 99.95 ? "100" : part.toFixed(1)) + "%";
}
function element(tag, text, parent, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  if (parent) parent.append(made);
  return made;
}
const matches = (text) => wanted !== "" && text.toLowerCase().includes(wanted);
/** Adds a text whose matches with the search are marked. */
function marked(parent, text) {
  if (!wanted) return parent.append(text);
  const lower = text.toLowerCase();
  let at = 0;
  for (let next; (next = lower.indexOf(wanted, at)) >= 0; at = next + wanted.length) {
    parent.append(text.slice(at, next));
    element("mark", text.slice(next, next + wanted.length), parent);
  }
  parent.append(text.slice(at));
}

// Places.

/** The folder that all files are in: it stands once, not everywhere. */
const folder = (() => {
  const ways = Object.keys(data.sources).filter((file) => file).map((file) => file.split("/").slice(0, -1));
  if (!ways.length) return "";
  let shared = ways[0];
  for (const way of ways) {
    const end = shared.findIndex((part, at) => part !== way[at]);
    if (end >= 0) shared = shared.slice(0, end);
  }
  return shared.length ? shared.join("/") + "/" : "";
})();
const short = (place) => (folder && place.startsWith(folder) ? place.slice(folder.length) : place);
/** Adds a text with `code` in it. */
function prose(parent, text) {
  text.split("`").forEach((part, at) => (at % 2 ? element("code", part, parent) : parent.append(part)));
}
const anchor = (file, row) => "L:" + (file || "query") + ":" + row;
function link(parent, line) {
  if (!line.row || !(line.file in data.sources)) {
    marked(parent, short(line.p));
    return;
  }
  const made = element("a", undefined, parent);
  marked(made, short(line.p));
  made.title = line.p;
  made.href = "#" + encodeURIComponent(anchor(line.file, line.row));
  made.addEventListener("click", (event) => {
    event.preventDefault();
    goTo(line.file, line.row);
  });
}
function goTo(file, row) {
  const box = books.get(file);
  if (!box) return;
  box.open = true;
  fill(box);
  const line = document.getElementById(anchor(file, row));
  if (!line) return;
  line.scrollIntoView({ block: "center", behavior: "smooth" });
  line.classList.remove("flash");
  void line.offsetWidth;
  line.classList.add("flash");
}

// Frames by their names, and what is known of them.

const known = new Map();
for (const line of data.functions) known.set(line.f, { line, kind: "function" });
for (const line of data.expressions) {
  if (!known.has(line.l)) known.set(line.l, { line, kind: "expression" });
}
const slow = new Set();
for (const found of data.quadratic) {
  for (const line of data.expressions) {
    if (line.file === found.file && line.row === found.row && line.t === found.t) slow.add(line.l);
  }
}

// The flame graph.

let root;
let focus;
let chosen;
let drawn = [];
function tree() {
  const path = [];
  for (let at = focus; at && at.parent; at = at.parent) path.unshift(at.name);
  root = { name: "all", value: 0, own: 0, children: new Map(), parent: null };
  for (const [frames, costs] of data.stacks) {
    const value = costs[weight];
    if (!value) continue;
    let at = root;
    at.value += value;
    for (const number of frames) {
      const name = data.frames[number];
      let next = at.children.get(name);
      if (!next) {
        next = { name, value: 0, own: 0, children: new Map(), parent: at };
        at.children.set(name, next);
      }
      next.value += value;
      at = next;
    }
    at.own += value;
  }
  // A single query is the root itself.
  if (root.children.size === 1) {
    root = [...root.children.values()][0];
    root.parent = null;
    path.shift();
  }
  focus = root;
  for (const name of path) {
    const next = focus.children.get(name);
    if (!next) break;
    focus = next;
  }
  chosen = null;
}
function hue(name) {
  let hash = 7;
  for (const c of name) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
  return (hash % 97) / 97;
}
/** By cost, so that the hot way is the leftmost. */
const below = (node) => [...node.children.values()].sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
function flame() {
  const box = $("flame");
  const active = document.activeElement === box;
  box.replaceChildren();
  drawn = [];
  const width = box.clientWidth || 900;
  const above = [];
  for (let at = focus.parent; at; at = at.parent) above.unshift(at);
  let depth = 0;
  const frame = (node, x, w, name) => {
    const info = known.get(node.name);
    const made = element("div", undefined, box, "frame " + (info ? info.kind : "function") + name);
    if (w * width >= 24) marked(made, node.name);
    else made.classList.add("thin");
    if (slow.has(node.name)) made.classList.add("quadratic");
    if (matches(node.name)) made.classList.add("match");
    if (node === chosen) made.classList.add("chosen");
    made.style.left = 100 * x + "%";
    made.style.width = Math.max(100 * w, 100 / width) + "%";
    made.style.top = depth * 22 + "px";
    made.style.setProperty("--hue", hue(node.name));
    made.addEventListener("click", () => look(node));
    made.addEventListener("mouseenter", () => tell(node, true));
    made.addEventListener("mousemove", tipAt);
    made.addEventListener("mouseleave", hideTip);
    drawn.push({ node, x, w, depth, made });
  };
  for (const node of above) {
    frame(node, 0, 1, " above");
    depth++;
  }
  let level = [[focus, 0, 1]];
  while (level.length) {
    const next = [];
    for (const [node, x, w] of level) {
      frame(node, x, w, "");
      let left = x;
      for (const child of below(node)) {
        const size = node.value ? w * child.value / node.value : 0;
        if (size * width >= 0.5) next.push([child, left, size]);
        left += size;
      }
    }
    depth++;
    level = next;
  }
  box.style.height = depth * 22 + "px";
  box.classList.toggle("searching", wanted !== "");
  if (active) box.focus();
  path();
  found();
}
function path() {
  const box = $("path");
  box.replaceChildren();
  const way = [];
  for (let at = focus; at; at = at.parent) way.unshift(at);
  if (way.length < 2) {
    element("span", "Each row is called by the one above it; wider costs more. Click a frame to look into it.", box);
    return;
  }
  way.forEach((node, at) => {
    if (at) element("span", "›", box);
    const made = element("button", at ? node.name : "all", box);
    made.type = "button";
    made.title = node.name;
    made.addEventListener("click", () => look(node));
  });
}
/** How much of everything is below frames that the search finds. */
function found() {
  let value = 0;
  const walk = [root];
  while (walk.length) {
    const node = walk.pop();
    if (matches(node.name)) value += node.value;
    else walk.push(...node.children.values());
  }
  $("found").textContent = wanted ? "“" + wanted + "” and what it calls: " + share(value, root.value) : "";
}
function look(node) {
  focus = node;
  chosen = node;
  hideTip();
  flame();
  tell(node, false);
}
function tell(node, hover) {
  const info = known.get(node.name);
  const lines = [
    amount(node.value, weight) + unit() + ", " + share(node.value, root.value) + " of all; itself " + amount(node.own, weight) + " (" + share(node.own, root.value) + ")",
  ];
  if (info) {
    const [line, own] = [info.line, info.line.s];
    const parts = [];
    if (info.kind === "function") {
      parts.push(short(line.p), counted(line.c) + (line.c === 1 ? " call" : " calls"));
      if (own[KNOWN]) parts.push(counted(own[KNOWN]) + " results known before");
    } else {
      parts.push("in " + line.f);
      if (own[MEMBERS]) parts.push(counted(own[MEMBERS]) + " members visited");
      if (own[HITS]) parts.push(counted(own[HITS]) + " times served by an index");
      if (own[KNOWN]) parts.push(counted(own[KNOWN]) + " results known before");
    }
    lines.push(parts.join(" · "));
  }
  for (const box of hover ? [$("detail"), $("tip")] : [$("detail")]) {
    box.replaceChildren();
    element("b", node.name, box);
    lines.forEach((line) => element("div", line, box));
  }
}
function tipAt(event) {
  const tip = $("tip");
  tip.hidden = false;
  const x = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const under = event.clientY + 18;
  const y = under + tip.offsetHeight > window.innerHeight ? event.clientY - tip.offsetHeight - 10 : under;
  tip.style.left = Math.max(8, x) + "px";
  tip.style.top = Math.max(8, y) + "px";
}
function hideTip() {
  $("tip").hidden = true;
}
/** Moves to the frame beside the chosen one. */
function move(key) {
  const at = drawn.find((one) => one.node === chosen) || drawn.find((one) => one.node === focus);
  if (!at) return;
  const middle = at.x + at.w / 2;
  let next;
  if (key === "ArrowUp") next = drawn.find((one) => one.node === at.node.parent);
  else if (key === "ArrowDown") next = drawn.find((one) => one.node.parent === at.node);
  else {
    const row = drawn.filter((one) => one.depth === at.depth);
    next = key === "ArrowRight"
      ? row.find((one) => one.x + one.w / 2 > middle + 1e-9)
      : row.reverse().find((one) => one.x + one.w / 2 < middle - 1e-9);
  }
  if (!next) return;
  chosen = next.node;
  drawn.forEach((one) => one.made.classList.toggle("chosen", one.node === chosen));
  tell(chosen, false);
}
$("flame").addEventListener("keydown", (event) => {
  if (event.key.startsWith("Arrow")) move(event.key);
  else if (event.key === "Enter" && chosen) look(chosen);
  else if (event.key === "Escape" && focus.parent) look(focus.parent);
  else if (event.key === "s") {
    const info = known.get((chosen || focus).name);
    if (info) goTo(info.line.file, info.line.row);
  } else return;
  event.preventDefault();
  event.stopPropagation();
});

// The tables.

const COLUMNS = [
  { name: "Self", of: (line) => line.s[weight], shared: true, why: "what it costs itself" },
  { name: "Total", of: (line) => line.a[weight], shared: true, why: "with what it calls" },
  { name: "where", of: (line) => line.p, where: true },
  { name: "Calls", of: (line) => line.c, only: "functions", why: "how often it ran" },
  { name: "Steps", of: (line) => line.s[STEPS], why: "steps of the machine, the same on every run" },
  { name: "Members", of: (line) => line.s[MEMBERS], why: "members that its loops visited" },
  { name: "Known", of: (line) => line.s[KNOWN], why: "calls whose result was known from before" },
  { name: "Index hits", of: (line) => line.s[HITS], why: "loops that an index served" },
  { name: "Misses", of: (line) => line.s[MISSES], why: "loops that have an index and visited all members all the same" },
  { name: "Memory", of: (line) => line.s[BYTES], kind: BYTES, why: "memory that it allocated itself" },
];
const AT_FIRST = 20;
function table(id, lines, title, write) {
  const box = $(id);
  const columns = COLUMNS.filter((column) => {
    if (column.only && column.only !== id) return false;
    // A column of zeros tells nothing.
    return column.where || column.shared || lines.some((line) => column.of(line));
  });
  const sort = order[id] || { name: "Self", down: true };
  box.replaceChildren();
  const head = element("tr", undefined, element("thead", undefined, box));
  for (const column of columns) {
    const cell = element("th", undefined, head, column.where ? "where" : column.shared ? "" : "count");
    cell.scope = "col";
    const button = element("button", column.where ? title : column.name, cell);
    button.type = "button";
    if (column.why) button.title = column.why;
    if (sort.name === column.name) cell.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    button.addEventListener("click", () => {
      order[id] = { name: column.name, down: sort.name === column.name ? !sort.down : !column.where };
      table(id, lines, title, write);
      box.querySelector("th[aria-sort] button").focus();
    });
  }
  const by = (columns.find((column) => column.name === sort.name) || columns[0]).of;
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  const shown = lines.filter((line) => !wanted || matches(line.f + " " + line.p + " " + line.t));
  shown.sort((a, b) => (sort.down ? compare(by(b), by(a)) : compare(by(a), by(b))));
  const body = element("tbody", undefined, box);
  const limit = whole[id] ? shown.length : AT_FIRST;
  for (const line of shown.slice(0, limit)) {
    const row = element("tr", undefined, body);
    for (const column of columns) {
      const value = column.of(line);
      if (column.where) {
        write(element("td", undefined, row, "where"), line);
      } else if (column.shared) {
        const cell = element("td", undefined, row, "share");
        element("i", undefined, cell).style.setProperty("--part", 100 * value / (data.total[weight] || 1) + "%");
        const text = element("span", undefined, cell);
        text.append(amount(value, weight) + " ");
        element("small", share(value, data.total[weight]), text);
      } else {
        element("td", value ? amount(value, column.kind ?? STEPS) : "·", row, "count");
      }
    }
  }
  if (!shown.length) {
    const cell = element("td", "Nothing matches “" + wanted + "”.", element("tr", undefined, body), "none");
    cell.colSpan = columns.length;
  }
  if (shown.length > limit) {
    const cell = element("td", undefined, element("tr", undefined, body), "more");
    cell.colSpan = columns.length;
    const button = element("button", "Show all " + counted(shown.length), cell);
    button.type = "button";
    button.addEventListener("click", () => {
      whole[id] = true;
      table(id, lines, title, write);
    });
  }
}

// The sources.

const books = new Map();
let hot = [];
let visited = -1;
let hottest = 1;
/** Expressions by line: file → row → lines. */
const rows = new Map();
for (const line of data.expressions) {
  const file = rows.get(line.file) || rows.set(line.file, new Map()).get(line.file);
  (file.get(line.row) || file.set(line.row, []).get(line.row)).push(line);
}
const sum = (lines, part, kind) => lines.reduce((all, line) => all + line[part][kind], 0);
const WORDS = /#.*$|"(?:\\.|[^"\\])*"?|`|\b(?:package|import|default|if|else|contains|some|every|in|not|with|as|true|false|null)\b|\b\d[\d.eE+-]*\b/g;
/** Adds a line of Rego with its words coloured; gives whether a raw string goes on behind it. */
function coloured(cell, text, raw) {
  let at = 0;
  const piece = (end, name) => {
    if (end > at) marked(name ? element("span", undefined, cell, name) : cell, text.slice(at, end));
    at = end;
  };
  const rest = () => {
    const end = text.indexOf("`", at);
    piece(end < 0 ? text.length : end + 1, "t");
    return end < 0;
  };
  if (raw && rest()) return true;
  WORDS.lastIndex = at;
  for (let word; (word = WORDS.exec(text)); WORDS.lastIndex = at) {
    piece(word.index);
    const first = word[0][0];
    if (first === "`") {
      at = word.index + 1;
      cell.append(element("span", "`", undefined, "t"));
      if (rest()) return true;
    } else {
      const name = first === "#" ? "c" : first === '"' ? "t" : /\d/.test(first) ? "d" : "w";
      piece(word.index + word[0].length, name);
    }
  }
  piece(text.length);
  return false;
}
function sources() {
  const box = $("sources");
  hottest = 1;
  for (const lines of rows.values()) for (const line of lines.values()) hottest = Math.max(hottest, sum(line, "s", weight));
  const open = new Map([...books].map(([file, book]) => [file, book.open]));
  box.replaceChildren();
  books.clear();
  const all = Object.keys(data.sources).map((file) => {
    const lines = rows.get(file) || new Map();
    return { file, own: [...lines.values()].reduce((own, line) => own + sum(line, "s", weight), 0) };
  });
  all.sort((a, b) => b.own - a.own || (a.file < b.file ? -1 : 1));
  all.forEach(({ file, own }, at) => {
    const book = element("details", undefined, box);
    const head = element("summary", undefined, book);
    marked(element("span", undefined, head, "code"), short(file) || "query");
    head.title = file;
    element("small", amount(own, weight) + unit() + ", " + share(own, data.total[weight]), head);
    book.file = file;
    books.set(file, book);
    book.addEventListener("toggle", () => book.open && fill(book));
    const found = wanted && data.sources[file].toLowerCase().includes(wanted);
    book.open = found || (open.get(file) ?? (at === 0 || own > 0.05 * data.total[weight]));
    if (book.open) fill(book);
  });
  hot = [];
  for (const [file, lines] of rows) {
    if (!(file in data.sources)) continue;
    for (const [row, line] of lines) {
      const own = sum(line, "s", weight);
      if (own > 0.01 * data.total[weight]) hot.push({ file, row, own });
    }
  }
  hot.sort((a, b) => b.own - a.own);
  visited = -1;
}
/** Writes the lines of a file into its box, once. */
function fill(book) {
  if (book.children.length > 1) return;
  const lines = rows.get(book.file) || new Map();
  const wrap = element("div", undefined, book, "source");
  const made = element("table", undefined, wrap);
  const head = element("tr", undefined, element("thead", undefined, made));
  for (const [name, kind] of [["", ""], ["self", ""], ["%", ""], ["total", "wide"], ["members", "wide"], ["line", ""], ["", ""]]) {
    element("th", name, head, kind);
  }
  const body = element("tbody", undefined, made);
  let raw = false;
  data.sources[book.file].replace(/\n$/, "").split("\n").forEach((text, at) => {
    const row = at + 1;
    const costs = lines.get(row);
    const line = element("tr", undefined, body, "line");
    line.id = anchor(book.file, row);
    const own = costs ? sum(costs, "s", weight) : 0;
    const all = costs ? Math.min(sum(costs, "a", weight), data.total[weight]) : 0;
    const members = costs ? sum(costs, "s", MEMBERS) : 0;
    const heat = element("td", undefined, line, "heat");
    element("td", own ? amount(own, weight) : "", line, "gutter");
    element("td", own ? share(own, data.total[weight]) : "", line, "gutter");
    element("td", all > own ? amount(all, weight) : "", line, "gutter wide");
    element("td", members ? counted(members) : "", line, "gutter wide");
    element("td", String(row), line, "number");
    const cell = element("td", undefined, line, "text");
    raw = coloured(cell, text, raw);
    if (own) {
      const part = own / hottest;
      heat.style.background = `rgba(var(--hot), ${(0.15 + 0.85 * part).toFixed(3)})`;
      line.style.background = `rgba(var(--hot), ${(0.03 + 0.3 * part).toFixed(3)})`;
    }
    if (costs) {
      line.classList.add("costs");
      line.title = "Click for the expressions of this line";
      line.addEventListener("click", () => within(line, costs));
    }
    for (const found of data.quadratic) {
      if (found.file !== book.file || found.row !== row) continue;
      const remark = element("tr", undefined, body, "remark");
      const cell = said(remark);
      element("b", "A loop inside a loop: ", cell);
      cell.append(what(found) + ". ");
      element("b", "Remedy: ", cell);
      prose(cell, found.remedy + ".");
    }
  });
}
/** A cell for what is said below a line; it stays in sight where lines are long. */
function said(row) {
  const cell = element("td", undefined, row);
  cell.colSpan = 7;
  return element("div", undefined, cell);
}
function within(line, costs) {
  const next = line.nextElementSibling;
  if (next && next.classList.contains("within")) {
    next.remove();
    return;
  }
  const row = element("tr", undefined, undefined, "within");
  const cell = said(row);
  for (const one of [...costs].sort((a, b) => b.a[weight] - a.a[weight])) {
    const text = element("p", undefined, cell);
    element("code", one.t || one.f, text);
    const parts = ["itself " + amount(one.s[weight], weight) + unit()];
    if (one.a[weight] > one.s[weight]) parts.push("with what it calls " + amount(one.a[weight], weight));
    parts.push(counted(one.s[STEPS]) + " steps", amount(one.s[BYTES], BYTES));
    if (one.s[MEMBERS]) parts.push(counted(one.s[MEMBERS]) + " members");
    if (one.s[KNOWN]) parts.push(counted(one.s[KNOWN]) + " known");
    if (one.s[HITS] || one.s[MISSES]) parts.push("index " + counted(one.s[HITS]) + " hits, " + counted(one.s[MISSES]) + " misses");
    text.append("  " + parts.join(" · "));
  }
  line.after(row);
}
function visit(by) {
  if (!hot.length) return;
  visited = (visited + by + hot.length) % hot.length;
  goTo(hot[visited].file, hot[visited].row);
}

// The head of the page.

function totals() {
  const box = $("totals");
  box.replaceChildren();
  const total = (text, what, kind) => {
    const made = element("div", undefined, box, "total" + (kind === weight ? " chosen" : ""));
    element("b", text, made);
    element("span", what, made);
  };
  total(amount(data.total[NANOS], NANOS), "measured (slower than without measuring)", NANOS);
  total(counted(data.total[STEPS]), "steps", STEPS);
  total(amount(data.total[BYTES], BYTES), "allocated", BYTES);
  total(counted(data.total[MEMBERS]), "members visited by loops");
  if (folder) {
    const made = element("div", undefined, box, "total folder");
    element("b", folder, made);
    element("span", "folder of the policies", made);
  }
  if (data.total[HITS]) total(counted(data.total[HITS]), "loops served by an index");
}
function advice() {
  const box = $("advice");
  box.replaceChildren();
  for (const found of data.quadratic) {
    const card = element("div", undefined, box, "card");
    const head = element("h3", "Quadratic: ", card);
    link(head, found);
    head.append(" is a loop inside a loop");
    element("pre", found.t, card);
    prose(element("p", undefined, card), capital(what(found)) + "; " + (folder ? found.around.replaceAll(folder, "") : found.around).replace(" %", "\u00a0%") + ". Twice as many members cost about four times as much.");
    prose(element("p", undefined, card, "remedy"), found.remedy + ".");
  }
}
function weights() {
  const box = $("weights");
  box.replaceChildren();
  UNITS.forEach((name, at) => {
    const made = element("button", name, box);
    made.type = "button";
    made.setAttribute("role", "radio");
    made.setAttribute("aria-checked", String(at === weight));
    made.addEventListener("click", () => by(at));
  });
}
function by(kind) {
  weight = kind;
  draw();
}
function themed(name) {
  document.documentElement.dataset.theme = name;
}
const dark = window.matchMedia("(prefers-color-scheme: dark)");
themed(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => themed(dark.matches ? "dark" : "light"));
$("theme").addEventListener("click", () => themed(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
$("help").addEventListener("click", () => $("keys").showModal());
$("search").addEventListener("input", () => {
  wanted = $("search").value.trim().toLowerCase();
  flame();
  tables();
  sources();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target === $("search");
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  if (typing) {
    if (event.key !== "Escape") return;
    $("search").value = "";
    $("search").dispatchEvent(new Event("input"));
    $("search").blur();
  } else if (event.key === "/") $("search").focus();
  else if (event.key === "?") $("keys").showModal();
  else if (["1", "2", "3"].includes(event.key)) by(Number(event.key) - 1);
  else if (event.key === "n") visit(1);
  else if (event.key === "p") visit(visited < 0 ? 0 : -1);
  else if (event.key === "Escape" && focus.parent) look(focus.parent);
  else return;
  event.preventDefault();
});
function tables() {
  table("functions", data.functions, "Rule or function", (cell, line) => {
    marked(cell, line.f);
    if (line.p !== line.f) {
      cell.append(" ");
      link(element("span", undefined, cell, "in"), line);
    }
  });
  table("expressions", data.expressions, "Expression", (cell, line) => {
    link(cell, line);
    cell.append(" ");
    if (line.t) marked(cell, line.t);
    if (line.file) {
      const where = element("span", undefined, cell, "in");
      where.append("  in ");
      marked(where, line.f);
    }
  });
}
function draw() {
  $("detail").replaceChildren();
  weights();
  totals();
  tree();
  flame();
  tables();
  sources();
}
let width = $("flame").clientWidth;
window.addEventListener("resize", () => {
  if ($("flame").clientWidth === width) return;
  width = $("flame").clientWidth;
  flame();
});
advice();
draw();
