// The leaderboard's page: sliders, filters, order and the address say one state; the engine of reweigh.js
// makes the rows of it, and they are shown in the table, the heat map and the charts.
//
//   input -> state -> address, command -> rows at once -> ranks and intervals, in steps -> what moved
(function () {
  "use strict";
  const { reweigh, charts, says } = window.benchledger;
  const { fixed } = window.benchledger.statistics;
  const { clean, grouped, money, seconds } = says;
  const FRAME_MS = 10;
  const AT_ONCE = 40;  // rows that are resampled in the frame of their change; with more, when the hand rests
  const REST_MS = 120;
  const NONE = "–";

  let data, opened, keys, base;  // what the page ships; taken anew when a live page renews itself
  let selected = null, selectedFor = "", baseRanks = null;
  let run = 0, asked = false, scheduled = false, focused = null;
  const state = { weights: null, filters: {}, sort: { column: "rank", down: false } };

  const form = document.getElementById("board-form");
  const said = document.getElementById("board-said");
  if (!form || !document.getElementById("reweigh")) return;

  function take() {
    data = window.benchledger.data("reweigh");
    opened = reweigh.open(data);
    keys = data.shown.map((key) => JSON.stringify(key));
    base = data.weights;
    selected = baseRanks = null;
    selectedFor = "";
  }

  // ---- columns: what a cell shows, and what it is sorted by -----------------------------------------------------

  const number = (pick, text) => ({
    order: pick,
    show: (row) => (pick(row) === null ? null : { value: String(pick(row)), text: text(pick(row), row) }),
  });
  const range = (low, high) => ({
    order: low,
    show: (row) => (low(row) === null || high(row) === null ? null
      : { value: low(row) + " " + high(row), text: fixed(low(row), 3) + NONE + fixed(high(row), 3) }),
  });
  const plain = (order, text) => ({ order, show: (row) => ({ text: text(row) }) });
  const score = (pick) => number(pick, (value) => fixed(value, 3));

  const COLUMNS = {
    rank: { order: (row) => row.place },
    agent: { order: (row) => row.key[0] + " " + row.key[1] },
    model: { order: (row) => row.key[2] },
    passed: { order: (row) => row.facts.passed, show: (row) => ({ text: row.facts.passed + "/" + row.facts.cells }) },
    tasks: plain((row) => row.tasks, (row) => row.tasks + "/" + row.planned),
    pass_rate: score((row) => row.facts.pass_rate),
    blast_radius: score((row) => row.axes.blast_radius),
    constraints: score((row) => row.axes.constraints),
    integrity: score((row) => row.axes.integrity),
    wall_median_ms: number((row) => row.facts.wall_median_ms, seconds),
    tokens_per_solved: number((row) => row.facts.tokens_per_solved, (value) => grouped(fixed(value, 0))),
    cost_per_solved: number((row) => row.facts.cost_per_solved, (value, row) => money(value, row.facts.currency)),
    composite: score((row) => row.composite),
    interval: range((row) => row.low, (row) => row.high),
    run: range((row) => row.run_low, (row) => row.run_high),
    floor: range((row) => row.floor, (row) => row.ceiling),
    coverage: number((row) => row.coverage, (value) => fixed(value, 2)),
    infra_faults: plain((row) => row.facts.infra_faults, (row) => String(row.facts.infra_faults)),
    retried: plain((row) => row.facts.retried, (row) => String(row.facts.retried)),
    withdrawn: plain((row) => row.facts.withdrawn, (row) => String(row.facts.withdrawn)),
    standing: plain((row) => row.facts.standing, (row) => row.facts.standing),
    mode: { order: (row) => row.key[3] + " " + row.key[4] },
  };
  // Known when resampling is done, and until then what they were.
  const LATE = new Set(["rank", "interval", "run"]);
  const FIRST_HIGH = new Set(["passed", "tasks", "pass_rate", "composite", "interval", "run", "floor", "coverage", "constraints", "integrity"]);

  // ---- the address -------------------------------------------------------------------------------------------

  function written() {
    const parts = new URLSearchParams();
    if (state.weights) for (const term of data.terms) parts.append("w." + term, String(state.weights[term]));
    for (const filter of data.filters) for (const value of state.filters[filter.name] || []) parts.append(filter.name, value);
    if (state.sort.column !== "rank" || state.sort.down) parts.append("sort", (state.sort.down ? "-" : "") + state.sort.column);
    return parts.toString();
  }

  function read() {
    const query = new URLSearchParams(location.search), own = location.hash.includes("=") ? new URLSearchParams(location.hash.slice(1)) : null;
    const parts = own || query;
    const given = data.terms.filter((term) => parts.has("w." + term));
    state.weights = null;
    if (given.length) {
      const weights = {};
      for (const term of data.terms) {
        const value = Number(parts.get("w." + term) || 0);
        weights[term] = value >= 0 && value <= 1e6 ? value : 0;
      }
      if (Object.values(weights).some((value) => value > 0)) state.weights = weights;
    }
    state.filters = {};
    for (const filter of data.filters) {
      const values = parts.getAll(filter.name).filter((value) => filter.options.includes(value));
      if (values.length) state.filters[filter.name] = values;
    }
    const sort = parts.get("sort") || "", column = sort.replace(/^-/, "");
    state.sort = Object.hasOwn(COLUMNS, column) ? { column, down: sort[0] === "-" } : { column: "rank", down: false };
  }

  function remember() {
    const text = written();
    const here = location.href.split("#")[0];
    try { history.replaceState(null, "", text ? here + "#" + text : location.hash.includes("=") ? here : location.href); }
    catch (error) { if (text) location.hash = text; }  // some browsers refuse the former on file://
  }

  // ---- the state in the form, and the equal command -------------------------------------------------------------

  function fillForm() {
    const weights = state.weights || base;
    for (const term of data.terms) {
      form.querySelector('[data-slider="' + term + '"]').value = weights[term];
      form.querySelector('[data-number="' + term + '"]').value = weights[term];
    }
    for (const details of form.querySelectorAll("[data-filter]")) {
      const filter = data.filters.find((each) => each.name === details.dataset.filter);
      const chosen = state.filters[details.dataset.filter] || [];
      for (const box of details.querySelectorAll("input")) {
        box.checked = filter !== undefined && chosen.includes(filter.options[box.dataset.at]);
      }
      tellChosen(details, chosen);
    }
  }

  function tellChosen(details, chosen) {
    details.querySelector(".chosen").textContent = chosen.length ? chosen.length + " chosen" : details.dataset.filter === "mode" ? data.modes.join(", ") : "all";
  }

  function quoted(word) {
    return /^[A-Za-z0-9_@%+=:,.\/-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\"'\"'") + "'";
  }

  function command() {
    const weights = state.weights || base, chosen = selection();
    const words = ["benchledger", "rescore", "--policy", data.command.policy];
    for (const term of data.terms) if (weights[term]) words.push("-w", term + "=" + weights[term]);
    for (const name of ["sweep", "agent", "model", "task", "mode"]) {
      for (const value of chosen[name] || []) words.push("--" + name + "=" + value);
    }
    return [...words, "--dry-run", "--ledger", data.command.ledger].map(quoted).join(" ");
  }

  /* The filters as the command takes them: categories and languages are lists of tasks. */
  function selection() {
    const { agent, model, sweep, category, task, language, mode } = state.filters;
    const chosen = { agent, model, sweep, mode: mode || (data.modes.join() === reweigh.DEFAULT_MODES.join() ? undefined : data.modes) };
    if (category || task || language) {
      chosen.task = data.tasks.filter((name, at) =>
        (!task || task.includes(name)) && (!category || category.includes(name.split("/")[0])) &&
        (!language || data.languages[at].some((each) => language.includes(each))));
      if (!chosen.task.length) chosen.task = [""];  // nothing is both
    }
    return chosen;
  }

  // ---- rows into the table ---------------------------------------------------------------------------------------

  const table = () => document.querySelector("#board-rows table.board");

  function showRows(rows, done) {
    const body = table().tBodies[0];
    const own = new Map([...body.rows].map((line) => [line.dataset.key || keys[line.dataset.row], line]));
    const pairs = sorted(rows).map((row) => {
      const name = JSON.stringify(row.key), line = own.get(name) || strange(row, name);
      own.delete(name);
      return [line, row];
    });
    for (const line of own.values()) line.hidden = true;
    for (const [line] of pairs) line.hidden = false;
    if (!done && rows.length > AT_ONCE) {
      // While the hand moves, only what is in sight, and nothing changes its place: the rest cannot be drawn in time.
      const seen = pairs.filter(([line]) => { const box = line.getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight; });
      for (const [line, row] of seen) fillRow(line, row, false);
      return;
    }
    let next = body.firstElementChild;
    for (const [line, row] of pairs) {
      fillRow(line, row, done);
      if (line === next) next = next.nextElementSibling;
      else body.insertBefore(line, next);
    }
  }

  /* A row that the page did not have: planned, and never ran under these filters. */
  function strange(row, name) {
    const body = table().tBodies[0], line = body.rows[0].cloneNode(true);
    line.removeAttribute("data-row");
    line.dataset.key = name;
    const links = [...body.rows].flatMap((each) => [...each.querySelectorAll("[data-col=agent] a, [data-col=model] a")]);
    for (const [column, text] of [["agent", row.key[0]], ["model", row.key[2]]]) {
      const known = links.find((link) => link.textContent === clean(text) && link.closest("[data-col]").dataset.col === column);
      line.querySelector("[data-col=" + column + "]").replaceChildren(known ? known.cloneNode(true) : clean(text));
    }
    if (row.key[1]) {
      const version = document.createElement("span");
      version.className = "muted";
      version.textContent = clean(row.key[1]);
      line.querySelector("[data-col=agent]").append(" ", version);
    }
    line.querySelector("[data-col=mode]").textContent = row.key[3] + ", " + row.key[4];
    return line;
  }

  function fillRow(line, row, done) {
    for (const cell of line.cells) {
      const name = cell.dataset.col, column = COLUMNS[name];
      if (LATE.has(name)) { cell.classList.toggle("pending", !done); if (!done) continue; }
      if (name === "rank") showRank(cell, row);
      else if (name === "mode") showDiffers(cell, row);
      else if (column.show) showValue(cell, column.show(row));
    }
  }

  function showValue(cell, shown) {
    if (shown === null) { if (cell.textContent !== NONE) cell.textContent = NONE; return; }
    const inner = cell.firstElementChild;
    if (shown.value === undefined) { (inner || cell).textContent = shown.text; return; }
    if (inner && inner.tagName === "DATA") {
      if (inner.value === shown.value) return;
      inner.value = shown.value;
      inner.textContent = shown.text;
      return;
    }
    const made = document.createElement("data");
    made.value = shown.value;
    made.textContent = shown.text;
    cell.replaceChildren(made);
  }

  function showRank(cell, row) {
    cell.textContent = row.rank + (row.tied ? "=" : "");
    const before = state.weights && baseRanks ? baseRanks.get(JSON.stringify(row.key)) : undefined;
    if (before === undefined || before === row.rank) return;
    const was = document.createElement("span");
    was.className = "was";
    was.textContent = "was " + before;
    cell.append(was);
  }

  function showDiffers(cell, row) {
    let differs = cell.querySelector(".differs");
    if (!row.facts.differs.length) { if (differs) differs.remove(); return; }
    if (!differs) { differs = document.createElement("span"); differs.className = "differs"; cell.append(" ", differs); }
    differs.textContent = "differs in " + row.facts.differs.join(", ");
  }

  function sorted(rows) {
    const { column, down } = state.sort, { order } = COLUMNS[column];
    return [...rows].sort((a, b) => {
      const one = order(a), other = order(b);
      if (one === null || other === null) return (one === null) - (other === null) || a.place - b.place;
      const by = one < other ? -1 : one > other ? 1 : 0;
      return (down ? -by : by) || a.place - b.place;
    });
  }

  function markSort() {
    for (const head of table().tHead.rows[0].cells) {
      if (head.dataset.col === state.sort.column) head.setAttribute("aria-sort", state.sort.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  function makeSortable() {
    for (const head of table().tHead.rows[0].cells) {
      if (head.querySelector("button")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("focus", () => { focused = head.dataset.col; });
      button.addEventListener("click", () => {
        const same = state.sort.column === head.dataset.col;
        state.sort = { column: head.dataset.col, down: same ? !state.sort.down : FIRST_HIGH.has(head.dataset.col) };
        change();
      });
      head.replaceChildren(button);
      if (focused === head.dataset.col && document.activeElement === document.body) button.focus();
    }
  }

  // ---- from a change to what is shown --------------------------------------------------------------------------------

  function select() {
    const chosen = selection(), text = JSON.stringify(chosen);
    if (selectedFor !== text) { selected = opened.select(chosen); selectedFor = text; baseRanks = null; }
    return selected;
  }

  function show() {
    scheduled = false;
    const own = ++run, weighed = select().weigh(state.weights || base), steps = weighed.resample();
    const go = () => {
      if (own !== run) return;
      if (within(steps)) settle(own, weighed);
      else setTimeout(go, 0);
    };
    if (weighed.rows.length <= AT_ONCE && within(steps)) { settle(own, weighed); return; }
    showRows(weighed.rows, false);
    tell("weighing anew …");
    setTimeout(go, REST_MS);
  }

  /* Runs steps for one frame; returns whether all are done. */
  function within(steps) {
    const end = performance.now() + FRAME_MS;
    while (performance.now() < end) if (steps.next().done) return true;
    return false;
  }

  function settle(own, weighed) {
    const ready = () => {
      if (own !== run) return;
      const byKey = new Map(weighed.rows.map((row) => [JSON.stringify(row.key), row]));
      showRows(weighed.rows, true);
      const placed = data.shown.map((_, at) => byKey.get(keys[at]));
      charts.heat(document.querySelector("#heat table.heat"), placed, data.heat_tasks);
      for (const svg of document.querySelectorAll("svg.scatter")) charts.scatter(svg, placed);
      showMoved(weighed.rows);
      window.benchledger.board.rows = weighed.rows.map(reweigh.toJson);
      busy(false);
      tell(written() ? weighed.rows.length + " rows over " + weighed.tasks.length + " tasks, under your choice; the sentence at the top is that of " + data.policy : "");
    };
    if (!state.weights || baseRanks) { ready(); return; }
    // What the order is under the policy itself, once for each choice of cells.
    const before = selected.weigh(base), steps = before.resample();
    const go = () => {
      if (own !== run) return;
      if (!within(steps)) { setTimeout(go, 0); return; }
      baseRanks = new Map(before.rows.map((row) => [JSON.stringify(row.key), row.rank]));
      ready();
    };
    go();
  }

  function busy(is) { document.getElementById("board-rows").setAttribute("aria-busy", String(is)); }

  function tell(text) { if (said.textContent !== text) said.textContent = text; }

  function showMoved(rows) {
    const place = document.getElementById("board-moved");
    place.replaceChildren();
    if (!state.weights) return;
    const moved = rows.map((row) => [row, baseRanks.get(JSON.stringify(row.key))]).filter(([row, before]) => before !== row.rank);
    const head = document.createElement("h3");
    head.textContent = moved.length ? "What moved" : "Nothing moved";
    place.append(head);
    if (!moved.length) {
      const none = document.createElement("p");
      none.textContent = "Every row keeps its rank under these weights.";
      place.append(none);
      return;
    }
    const list = document.createElement("ul");
    list.className = "moved";
    for (const [row, before] of moved) {
      const item = document.createElement("li");
      item.textContent = row.key.slice(0, 3).filter(Boolean).map(clean).join(" · ") + ": rank " + before + " → " + row.rank + (row.tied ? "=" : "");
      list.append(item);
    }
    place.append(list);
  }

  let remembering = 0;

  function change() {
    clearTimeout(remembering);
    remembering = setTimeout(remember, REST_MS);  // browsers refuse an address that changes with every frame
    document.getElementById("board-command").textContent = command();
    if (!table()) return;
    markSort();
    busy(true);
    asked = true;
    if (!scheduled) { scheduled = true; requestAnimationFrame(show); }
  }

  // ---- what a reader does --------------------------------------------------------------------------------------------

  function weighed(term, text) {
    const fault = document.getElementById("board-fault"), value = Number(text);
    if (text === "" || !(value >= 0 && value <= 1e6)) { fault.textContent = "A weight is a number from 0 to 1,000,000."; return; }
    const next = Object.assign({}, state.weights || base, { [term]: value });
    if (!Object.values(next).some((each) => each > 0)) { fault.textContent = "At least one weight must be above 0."; return; }
    fault.textContent = "";
    state.weights = data.terms.every((each) => next[each] === base[each]) ? null : next;
    change();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { slider, number: named, at } = event.target.dataset;
    if (slider) { form.querySelector('[data-number="' + slider + '"]').value = event.target.value; weighed(slider, event.target.value); }
    else if (named) { form.querySelector('[data-slider="' + named + '"]').value = event.target.value; weighed(named, event.target.value); }
    else if (at) {
      const details = event.target.closest("[data-filter]"), name = details.dataset.filter;
      const { options } = data.filters.find((each) => each.name === name);
      const chosen = [...details.querySelectorAll("input:checked")].map((box) => options[box.dataset.at]);
      if (chosen.length) state.filters[name] = chosen; else delete state.filters[name];
      tellChosen(details, chosen);
      change();
    }
  });
  document.getElementById("board-reset").addEventListener("click", () => {
    state.weights = null;
    document.getElementById("board-fault").textContent = "";
    fillForm();
    change();
  });
  document.getElementById("board-copy").addEventListener("click", (event) => {
    const text = document.getElementById("board-command"), button = event.target;
    const done = () => { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 1500); };
    const mark = () => { getSelection().selectAllChildren(text); };  // where the clipboard is closed, ready for a key
    if (navigator.clipboard) navigator.clipboard.writeText(text.textContent).then(done, mark); else mark();
  });
  window.addEventListener("hashchange", () => {
    if (location.hash.includes("=") && location.hash.slice(1) !== written()) { read(); fillForm(); change(); }
  });

  function start() {
    take();
    if (table()) makeSortable();
    document.getElementById("board-command").textContent = command();
    if (written() || asked) change();
  }

  window.benchledger.board = { rows: null, state };
  take();
  read();
  fillForm();
  form.hidden = false;
  document.getElementById("board-plain").hidden = true;
  start();

  let renewing = false;
  window.benchledger.renewals.push(() => {
    if (renewing) return;
    renewing = true;  // several parts of a page are renewed one after the other
    setTimeout(() => { renewing = false; start(); }, 0);
  });
})();
