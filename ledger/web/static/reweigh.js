/* All history under other weights, in the browser: the numbers of `benchledger rescore`, to the bit.
 *
 * A port of scorers/composite.py, scorers/leaderboard.py and scorers/statistics.py over the columns of
 * ledger/web/reweigh.py: IEEE doubles in one order, exact sums, the same draws. Weights and v are never negative.
 *
 *   open(data) -> select(selection) -> weigh(weights) -> { rows, resample() }
 */
(function () {
  "use strict";

  const RESAMPLES = 2000, SEED = 1, MIN_TASKS = 5, MIN_RUNS = 3, NOISE = 1e-12;
  const WEIGHED = 0, ZEROED = 1, UNVALUED = 2;
  const COUNTED = 1, LOST = 2, WITHDRAWN = 4, SUMMED = 8;
  const AXES = ["integrity", "blast_radius", "constraints"];
  const DEFAULT_MODES = ["live", "published"];
  const TWO_32 = 4294967296;

  // ---- sums and rounding -------------------------------------------------------------------------------------

  const partials = [];

  /* The correctly rounded sum of the first `count` numbers, as Python's math.fsum (Shewchuk 1997). */
  function fsum(numbers, count) {
    const n = count === undefined ? numbers.length : count;
    if (n === 0) return 0;
    if (n === 1) return numbers[0];
    if (n === 2) return numbers[0] + numbers[1];
    let used = 0;
    for (let i = 0; i < n; i++) {
      let x = numbers[i], kept = 0;
      for (let j = 0; j < used; j++) {
        let y = partials[j];
        if (Math.abs(x) < Math.abs(y)) { const swap = x; x = y; y = swap; }
        const high = x + y, low = y - (high - x);
        if (low !== 0) partials[kept++] = low;
        x = high;
      }
      used = kept;
      if (x !== 0) partials[used++] = x;
    }
    return rounded(used);
  }

  function rounded(used) {
    if (used === 0) return 0;
    let high = partials[--used], low = 0;
    while (used > 0) {
      const x = high, y = partials[--used];
      high = x + y;
      low = y - (high - x);
      if (low !== 0) break;
    }
    // Half-way cases go to even, whatever the parts below say.
    if (used > 0 && ((low < 0 && partials[used - 1] < 0) || (low > 0 && partials[used - 1] > 0))) {
      const twice = low * 2, x = high + twice;
      if (twice === x - high) high = x;
    }
    return high;
  }

  /* A number with so many decimals as Python writes it: half goes to even, where toFixed goes up. */
  function fixed(value, places) {
    const scaled = Math.abs(value) * Math.pow(2, places + 1);
    if (scaled % 2 !== 1) return value.toFixed(places);  // no tie: its binary places do not end there
    const cut = value.toFixed(places + 1).slice(0, -1).replace(/\.$/, "");
    return Number(cut[cut.length - 1]) % 2 === 1 ? value.toFixed(places) : cut;
  }

  function round12(value) {
    return Number(fixed(value, 12));
  }

  // ---- draws -------------------------------------------------------------------------------------------------

  /* Python's random.Random(seed).random(): MT19937 (Matsumoto and Nishimura 1998), seeded by 32-bit words. */
  function randomOf(words) {
    const N = 624, state = new Uint32Array(N);
    state[0] = 19650218;
    for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    let i = 1, j = 0;
    for (let k = Math.max(N, words.length); k > 0; k--) {
      const mixed = Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1664525);
      state[i] = (state[i] ^ mixed) + words[j] + j;
      if (++i >= N) { state[0] = state[N - 1]; i = 1; }
      if (++j >= words.length) j = 0;
    }
    for (let k = N - 1; k > 0; k--) {
      const mixed = Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), 1566083941);
      state[i] = (state[i] ^ mixed) - i;
      if (++i >= N) { state[0] = state[N - 1]; i = 1; }
    }
    state[0] = 0x80000000;
    let at = N;
    function next() {
      if (at === N) {
        for (let k = 0; k < N; k++) {
          const y = (state[k] & 0x80000000) | (state[(k + 1) % N] & 0x7fffffff);
          state[k] = state[(k + 397) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
        }
        at = 0;
      }
      let y = state[at++];
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      return (y ^ (y >>> 18)) >>> 0;
    }
    return function () {
      const a = next() >>> 5, b = next() >>> 6;
      return (a * 67108864 + b) / 9007199254740992;
    };
  }

  const drawsOf = new Map();

  function resamples(n) {
    let draws = drawsOf.get(n);
    if (draws === undefined) {
      const random = randomOf([SEED + n]);
      draws = new Uint32Array(RESAMPLES * n);
      for (let i = 0; i < draws.length; i++) draws[i] = Math.floor(random() * n);
      drawsOf.set(n, draws);
    }
    return draws;
  }

  const runDraws = new Map();

  function drawsOfRuns(slot, runs) {
    const key = slot + " " + runs;
    let draws = runDraws.get(key);
    if (draws === undefined) {
      // SEED + (slot << 32) + runs, as words of 32 bits from the lowest
      const random = randomOf(slot === 0 ? [SEED + runs] : [SEED + runs, slot]);
      draws = new Uint32Array(RESAMPLES);
      for (let i = 0; i < RESAMPLES; i++) draws[i] = Math.floor(random() * runs);
      runDraws.set(key, draws);
    }
    return draws;
  }

  // ---- resampled means ---------------------------------------------------------------------------------------

  const bits = new DataView(new ArrayBuffer(8));

  /* The exponent of frexp; of 0 and of what is smaller than any normal number, some number below 1. */
  function exponent(value) {
    if (value === 0) return 0;
    bits.setFloat64(0, value);
    return ((bits.getUint32(0) >>> 20) & 0x7ff) - 1022;
  }

  function power2(places) {
    let power = 1;
    for (let i = 0; i < Math.abs(places); i++) power *= 2;
    return places < 0 ? 1 / power : power;
  }

  function halfEven(value) {
    const whole = Math.floor(value), rest = value - whole;
    return rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
  }

  /* By what all of these rows, of one length, are multiplied to become whole numbers. */
  function placesOf(rows) {
    let least = Infinity, most = 0;
    for (const row of rows) for (const value of row) { if (value > most) most = value; if (value < least) least = value; }
    return 64 - (32 - Math.clz32(rows[0].length)) - Math.max(exponent(most), exponent(least), 1);
  }

  function resampledMeans(row, places) {
    const n = row.length, draws = resamples(n), means = new Float64Array(RESAMPLES);
    const scale = power2(places), back = power2(-places);
    // Up to 64 bits a whole number: two parts, each summed up exactly.
    const high = new Float64Array(n), low = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const whole = halfEven(row[i] * scale);
      high[i] = Math.floor(whole / TWO_32);
      low[i] = whole - high[i] * TWO_32;
    }
    for (let r = 0, at = 0; r < RESAMPLES; r++) {
      let a = 0, b = 0;
      for (let k = 0; k < n; k++) { const i = draws[at++]; a += high[i]; b += low[i]; }
      means[r] = ((a * TWO_32 + b) * back) / n;
    }
    return means;
  }

  /* The central 95% of samples, which lose their order. */
  function interval(samples) {
    const cut = Math.floor(samples.length / 40), last = samples.length - 1;
    return [nth(samples, cut, 0, last), nth(samples, last - cut, cut, last)];
  }

  /* The value that would stand at `place` if samples were sorted between low and high (Hoare's FIND): sorting
   * them all for two values would be the longest part of a resample. */
  function nth(samples, place, low, high) {
    while (low < high) {
      const pivot = samples[(low + high) >> 1];
      let i = low, j = high;
      while (i <= j) {
        while (samples[i] < pivot) i++;
        while (samples[j] > pivot) j--;
        if (i <= j) {
          const swap = samples[i];
          samples[i++] = samples[j];
          samples[j--] = swap;
        }
      }
      if (place <= j) high = j;
      else if (place >= i) low = i;
      else break;
    }
    return samples[place];
  }

  function includesZero(one, other) {
    // The interval holds 0 where more samples than are cut lie on either side of it.
    const cut = Math.floor(RESAMPLES / 40);
    let low = 0, high = 0;
    for (let i = 0; i < RESAMPLES; i++) {
      const difference = one[i] - other[i];
      if (difference <= NOISE) low++;
      if (difference >= -NOISE) high++;
    }
    return low > cut && high > cut;
  }

  /* The interval of another run; tasks are arrays of the values of their runs. */
  function rerun(tasks) {
    const sorted = tasks.map((runs) => Float64Array.from(runs).sort());
    const columns = sorted.map((runs, slot) => drawsOfRuns(slot, runs.length));
    const means = new Float64Array(RESAMPLES), drawn = new Float64Array(tasks.length);
    for (let r = 0; r < RESAMPLES; r++) {
      for (let slot = 0; slot < drawn.length; slot++) drawn[slot] = sorted[slot][columns[slot][r]];
      means[r] = fsum(drawn) / drawn.length;
    }
    return interval(means);
  }

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

  /* The tasks of the view, and an empty row for what was planned and never ran. */
  function planned(selected, wanted) {
    const { data } = selected.opened;
    const tasks = new Set(), ran = new Set(selected.rows.map((row) => row.key[0] + " " + row.key[2]));
    for (const row of selected.rows) for (const task of row.tasks.keys()) tasks.add(task);
    const added = new Map();
    for (const plan of data.plans) {
      if (!wanted("sweep", plan.sweep)) continue;
      for (const task of plan.tasks) if (wanted("task", task)) tasks.add(task);
      for (const agent of plan.agents) for (const model of plan.models) {
        const pair = agent + " " + model;
        if (!ran.has(pair) && wanted("agent", agent) && wanted("model", model)) added.set(pair, [agent, "", model, "live", "factory"]);
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

  function median(values) {
    if (!values.length) return null;
    const sorted = Float64Array.from(values).sort(), half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
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

  const root = typeof window === "undefined" ? globalThis : window;
  root.benchledger = root.benchledger || {};
  root.benchledger.reweigh = { open, toJson, fixed, fsum, randomOf, DEFAULT_MODES };
})();
