/* All history under other weights, in the browser: the numbers of `benchledger rescore`, to the bit.
 *
 * A port of scorers/composite.py and scorers/leaderboard.py over the columns of ledger/web/reweigh.py: IEEE
 * doubles in one order, and the sums and draws of statistics.js. Weights and v are never negative.
 *
 *   open(data) -> select(selection) -> weigh(weights) -> { rows, resample() }
 */
(function () {
  "use strict";

  const root = typeof window === "undefined" ? globalThis : window;
  const { fsum, round12, median, interval, resampledMeans, placesOf, includesZero, rerun } = root.benchledger.statistics;
  const MIN_TASKS = 5, MIN_RUNS = 3;
  const WEIGHED = 0, ZEROED = 1, UNVALUED = 2;
  const COUNTED = 1, LOST = 2, WITHDRAWN = 4, SUMMED = 8;
  const AXES = ["integrity", "blast_radius", "constraints"];
  const DEFAULT_MODES = ["live", "published"];

  // ---- the attempts of a page --------------------------------------------------------------------------------

  /* Takes what the page ships; `select` gives the attempts that a selection holds. */
  function open(data) {
    const settings = {};
    for (const name of Object.keys(data.settings)) settings[name] = filled(data.settings[name], data.setting_count);
    const columns = {};
    for (const name of Object.keys(data.columns)) columns[name] = numbers(data.columns[name], data.attempts);
    const opened = { data, settings, columns, formula: FORMULAS[data.formula] };
    opened.select = (selection) => select(opened, selection || {});
    return opened;
  }

  function filled(column, n) {
    return Array.isArray(column) ? column : new Array(n).fill(column);
  }

  /* A column of doubles; NaN is not recorded. */
  function numbers(column, n) {
    const out = new Float64Array(n);
    if (!Array.isArray(column)) return out.fill(column === null ? NaN : column);
    for (let i = 0; i < n; i++) out[i] = column[i] === null ? NaN : column[i];
    return out;
  }

  /* Selection: {sweep, agent, model, task, mode}, each a list of names or absent; without mode live and published. */
  function select(opened, selection) {
    const { data, settings, columns } = opened;
    const wanted = (name, value) => !selection[name] || !selection[name].length || selection[name].includes(value);
    const modes = selection.mode && selection.mode.length ? selection.mode : DEFAULT_MODES;
    const taken = new Uint8Array(data.setting_count);
    for (let s = 0; s < data.setting_count; s++) {
      const [agent, , model, mode] = data.rows[settings.row[s]];
      taken[s] = wanted("sweep", data.sweeps[settings.sweep[s]]) && wanted("agent", agent) && wanted("model", model) &&
        wanted("task", data.tasks[settings.task[s]]) && modes.includes(mode) ? 1 : 0;
    }
    const rows = new Map();
    for (let i = 0; i < data.attempts; i++) {
      const s = columns.setting[i];
      if (!taken[s]) continue;
      const place = settings.row[s];
      let row = rows.get(place);
      if (row === undefined) rows.set(place, (row = emptyRow(place, data.rows[place], data.order[place])));
      take(row, i, s, data.tasks[settings.task[s]], columns);
    }
    const selected = { opened, selection, taken, rows: [...rows.values()] };
    planned(selected, wanted);
    for (const row of selected.rows) { row.facts = factsOf(row, opened, taken); row.axes = axesOf(row, columns); }
    selected.weigh = (weights) => weigh(selected, weights);
    return selected;
  }

  function emptyRow(place, key, order) {
    return { place, key, order, tasks: new Map(), cells: 0, lost: 0, retried: 0, withdrawn: 0, summed: [], settings: new Set() };
  }

  function take(row, i, setting, task, columns) {
    const flags = columns.flags[i];
    if (flags & LOST) row.lost++;
    if (!(flags & COUNTED)) { row.retried++; return; }
    row.cells++;
    row.settings.add(setting);
    let attempts = row.tasks.get(task);
    if (attempts === undefined) row.tasks.set(task, (attempts = []));
    attempts.push(i);
    if (flags & WITHDRAWN) row.withdrawn++;
    if (flags & SUMMED) row.summed.push([task, i]);
  }

  /* The tasks of the view, and an empty row for what was planned and never ran, in no mode. */
  function planned(selected, wanted) {
    const { data, settings } = selected.opened;
    const begun = new Set();
    for (let s = 0; s < settings.row.length; s++) {
      const key = data.rows[settings.row[s]];
      begun.add(data.sweeps[settings.sweep[s]] + " " + key[0] + " " + key[2]);
    }
    const tasks = new Set(), ran = new Set(selected.rows.map((row) => row.key[0] + " " + row.key[2]));
    for (const row of selected.rows) for (const task of row.tasks.keys()) tasks.add(task);
    const added = new Map();
    for (const plan of data.plans) {
      if (!wanted("sweep", plan.sweep)) continue;
      for (const task of plan.tasks) if (wanted("task", task)) tasks.add(task);
      for (const agent of plan.agents) for (const model of plan.models) {
        const pair = agent + " " + model;
        const idle = !ran.has(pair) && !begun.has(plan.sweep + " " + pair);
        if (idle && wanted("agent", agent) && wanted("model", model)) added.set(pair, [agent, "", model, "live", "factory"]);
      }
    }
    // After all rows that ran; among themselves by code points, as keys are ordered.
    const keys = [...added.values()].sort((a, b) => compareKeys(a, b));
    keys.forEach((key, number) => selected.rows.push(emptyRow(-1, key, data.rows.length + number)));
    selected.rows.forEach((row) => { if (row.place < 0) row.order = place(row.key, data); });
    selected.tasks = [...tasks].sort(compareText);
  }

  /* Between which rows a new key lies: half a place above those that are less. */
  function place(key, data) {
    let less = -0.5;
    data.rows.forEach((known, number) => { if (compareKeys(known, key) < 0) less = Math.max(less, data.order[number] + 0.5); });
    return less;
  }

  function compareKeys(a, b) {
    for (let i = 0; i < a.length; i++) { const by = compareText(a[i], b[i]); if (by) return by; }
    return 0;
  }

  /* By code points, as Python compares; scripts compare UTF-16, which differs beyond U+FFFF. */
  function compareText(a, b) {
    const one = [...a], other = [...b];
    for (let i = 0; i < Math.min(one.length, other.length); i++) {
      const by = one[i].codePointAt(0) - other[i].codePointAt(0);
      if (by) return by;
    }
    return one.length - other.length;
  }

  // ---- what stands beside a composite: no weight changes it ---------------------------------------------------

  function factsOf(row, opened, taken) {
    const { columns, data } = opened;
    const passes = new Map(), walls = [];
    let passed = 0, tokens = 0, known = true;
    for (const [task, i] of row.summed) {
      const verdict = columns.verdict[i];
      if (!Number.isNaN(verdict)) {
        if (!passes.has(task)) passes.set(task, []);
        passes.get(task).push(verdict);
        if (verdict === 1) passed++;
      }
      if (!Number.isNaN(columns.wall[i])) walls.push(columns.wall[i]);
      if (Number.isNaN(columns.tokens[i])) known = false;
      else tokens += columns.tokens[i];
    }
    const means = [...passes.values()].map((each) => fsum(each) / each.length);
    const cost = costOf(row, data, taken, opened.settings);
    return {
      pass_rate: means.length ? fsum(means) / means.length : null,
      passed,
      cells: row.cells,
      cost_per_solved: cost.value === null || !passed ? null : cost.value / passed,
      currency: cost.currency,
      tokens_per_solved: known && passed ? tokens / passed : null,
      wall_median_ms: median(walls),
      infra_faults: row.lost,
      retried: row.retried,
      withdrawn: row.withdrawn,
      standing: standingOf(row, data, taken, opened.settings),
      differs: differsOf(row, opened),
    };
  }

  /* Means of axes as recorded, over counted and graded attempts. */
  function axesOf(row, columns) {
    const found = {};
    for (const axis of AXES) {
      const seen = row.summed.map(([, i]) => columns["raw_" + axis][i]).filter((value) => value === value);
      found[axis] = seen.length ? fsum(seen) / seen.length : null;
    }
    return found;
  }

  function costOf(row, data, taken, settings) {
    const amounts = data.costs.filter(([s]) => taken[s] && settings.row[s] === row.place);
    const currencies = new Set(amounts.map((amount) => amount[2]));
    if (currencies.size !== 1 || currencies.has(null)) return { value: null, currency: null };
    return { value: fsum(amounts.map((amount) => amount[1])), currency: amounts[0][2] };
  }

  function standingOf(row, data, taken, settings) {
    let citable = 0;
    for (const [s, count] of data.citable) if (taken[s] && settings.row[s] === row.place) citable += count;
    return row.cells > 0 && citable === row.cells ? "citable" : "provisional";
  }

  function differsOf(row, opened) {
    const { data, settings } = opened;
    const parts = [...new Set([...row.settings].map((s) => settings.condition[s]))].map((c) => data.conditions[c]).filter(Boolean);
    const names = [...new Set(parts.flatMap((part) => Object.keys(part)))].sort(compareText);
    const found = names.filter((name) => new Set(parts.map((part) => (name in part ? part[name] : "null"))).size > 1);
    const digests = new Map();
    for (const s of row.settings) {
      const task = settings.task[s];
      if (!digests.has(task)) digests.set(task, new Set());
      digests.get(task).add(settings.digest[s]);
    }
    return [...digests.values()].some((seen) => seen.size > 1) ? [...found, "task_digest"] : found;
  }

  // ---- one attempt under weights -----------------------------------------------------------------------------

  const FORMULAS = { "gated-1": gated1, "cab-0.1": cab01 };

  /* Sets out[0..3] to value, floor, ceiling and coverage of attempt i; returns whether there is a value. */
  function gated1(opened, weights) {
    const { columns, data } = opened, terms = data.terms.length;
    const v = data.terms.map((term) => columns[term]), { g, unseen, na } = columns;
    return function (i, out) {
      let applicable = 0, recorded = 0, summed = 0;
      for (let t = 0; t < terms; t++) {
        const weight = weights[t];
        if (weight === 0 || na[i] & data.na_bits[t]) continue;
        applicable += weight;
        const value = v[t][i];
        if (value === value) { summed += weight * value; recorded += weight; }
      }
      out[3] = 0;
      if (recorded === 0) return false;
      const value = (g[i] * summed) / recorded, ceiling = (g[i] * (summed + (applicable - recorded))) / applicable;
      out[0] = value;
      out[1] = (g[i] * unseen[i] * summed) / applicable;
      out[2] = ceiling > value ? ceiling : value;
      out[3] = recorded / applicable;
      return true;
    };
  }

  function cab01(opened, weights) {
    const { columns, data } = opened, v = data.terms.map((term) => columns[term]), g = columns.g;
    return function (i, out) {
      let total = weights[0] * v[0][i];
      for (let t = 1; t < v.length; t++) total += weights[t] * v[t][i];
      out[0] = out[1] = out[2] = g[i] * total;
      out[3] = 1;
      return true;
    };
  }

  // ---- rows --------------------------------------------------------------------------------------------------

  const out = new Float64Array(4);
  let values = new Float64Array(64), floors = new Float64Array(64), ceilings = new Float64Array(64);

  /* weights: {term: number}. Rows come best first with composite, floor, ceiling, tasks, coverage; their ranks
   * and intervals are there once `resample()`, a generator of small steps, has run to its end. */
  function weigh(selected, weights) {
    const { opened, tasks } = selected;
    const ordered = opened.data.terms.map((term) => weights[term] || 0);
    const judge = opened.formula(opened, ordered);
    const rows = selected.rows.map((row) => summary(row, tasks, judge, opened.columns));
    rows.sort(byFloor);
    rows.forEach((row, number) => { row.place = number + 1; });
    return { rows, tasks, resample: () => resample(rows, tasks.length), settled: false };
  }

  function summary(row, tasks, judge, columns) {
    const made = {
      row, key: row.key, facts: row.facts, axes: row.axes, order: row.order, values: [], floors: [], ceilings: [], runs: [], byTask: new Map(),
      composite: null, floor: 0, ceiling: 1, coverage: null, low: null, high: null, run_low: null, run_high: null,
      rank: null, tied: null,
    };
    const covered = [];
    for (const task of tasks) {
      const attempts = row.tasks.get(task);
      const means = attempts === undefined ? null : meansOf(attempts, judge, columns, covered, made.runs);
      made.floors.push(means === null ? 0 : means[1]);
      made.ceilings.push(means === null ? 1 : means[2]);
      if (means === null) continue;
      made.values.push(means[0]);
      made.byTask.set(task, means[0]);
    }
    made.tasks = made.values.length;
    made.planned = tasks.length;
    if (made.tasks) {
      made.composite = fsum(made.values) / made.tasks;
      made.floor = fsum(made.floors) / made.planned;
    }
    if (made.planned) made.ceiling = fsum(made.ceilings) / made.planned;
    if (covered.length) made.coverage = fsum(covered) / covered.length;
    made.rounded = round12(made.floor);
    return made;
  }

  /* Means of value, floor and ceiling over the counted attempts of one task; null where none has a value. */
  function meansOf(attempts, judge, columns, covered, runs) {
    if (values.length < attempts.length) [values, floors, ceilings] = [0, 0, 0].map(() => new Float64Array(2 * attempts.length));
    let count = 0, unvalued = 0;
    for (const i of attempts) {
      const kind = columns.kind[i];
      let valued = false, coverage = NaN;
      if (kind === WEIGHED) { valued = judge(i, out); coverage = out[3]; if (!valued) unvalued++; }
      else if (kind === ZEROED) { out[0] = out[1] = out[2] = 0; valued = true; }
      else if (kind === UNVALUED) { unvalued++; coverage = 0; }
      if (columns.flags[i] & SUMMED && coverage === coverage) covered.push(coverage);
      if (valued) { values[count] = out[0]; floors[count] = out[1]; ceilings[count] = out[2]; count++; }
    }
    if (!count) return null;
    runs.push(values.slice(0, count));
    const graded = count + unvalued;
    return [fsum(values, count) / count, fsum(floors, count) / graded, (fsum(ceilings, count) + unvalued) / graded];
  }

  function byFloor(a, b) {
    if ((a.composite === null) !== (b.composite === null)) return a.composite === null ? 1 : -1;
    return b.rounded - a.rounded || (b.composite || 0) - (a.composite || 0) || a.order - b.order;
  }

  /* Gives rows their interval over tasks, of another run, and their ranks; yields after each step. */
  function* resample(rows, planned) {
    const lengths = new Map();
    for (const row of rows) {
      if (!lengths.has(row.tasks)) lengths.set(row.tasks, []);
      lengths.get(row.tasks).push(row);
    }
    for (const [n, group] of lengths) {
      if (n < MIN_TASKS) continue;
      const places = placesOf(group.map((row) => row.values));
      for (const row of group) {
        const means = resampledMeans(row.values, places);
        if (same(row.floors, row.values)) row.resampled = means.slice();
        [row.low, row.high] = interval(means);
        yield row;
      }
    }
    const rest = rows.filter((row) => row.resampled === undefined);
    if (planned >= MIN_TASKS && rest.length) {
      const places = placesOf(rest.map((row) => row.floors));
      for (const row of rest) { row.resampled = resampledMeans(row.floors, places); yield row; }
    }
    rank(rows);
    for (const row of rows) {
      if (!row.runs.length || !row.runs.every((runs) => runs.length >= MIN_RUNS)) continue;
      [row.run_low, row.run_high] = rerun(row.runs);
      yield row;
    }
  }

  function same(one, other) {
    return one.length === other.length && one.every((value, i) => value === other[i]);
  }

  function rank(rows) {
    let leader = null, number = 0;
    const shared = new Map();
    rows.forEach((row, at) => {
      if (leader === null || !alike(leader, row)) { leader = row; number = at + 1; }
      row.rank = number;
      shared.set(number, (shared.get(number) || 0) + 1);
    });
    for (const row of rows) row.tied = shared.get(row.rank) > 1;
  }

  function alike(leader, row) {
    if ((leader.composite === null) !== (row.composite === null)) return false;
    if (leader.rounded === row.rounded) return true;
    return leader.resampled !== undefined && row.resampled !== undefined && includesZero(leader.resampled, row.resampled);
  }

  /* A row in the shape of `leaderboard --json`. */
  function toJson(row) {
    const [agent, version, model, mode, behavior] = row.key, { rank, tied, composite, floor, ceiling } = row;
    const { low, high, run_low, run_high, tasks, planned, coverage } = row;
    return {
      rank, tied, agent, version: version || null, model, composite, floor, ceiling, low, high, run_low, run_high,
      tasks, planned, coverage, mode, behavior, ...row.facts,
    };
  }

  root.benchledger.reweigh = { open, toJson, DEFAULT_MODES };
})();
