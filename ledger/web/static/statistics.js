/* Sums, rounding, draws and intervals that agree with Python to the bit: a port of scorers/statistics.py. */
(function () {
  "use strict";

  const RESAMPLES = 2000, SEED = 1, NOISE = 1e-12;
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

  function median(values) {
    if (!values.length) return null;
    const sorted = Float64Array.from(values).sort(), half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  const root = typeof window === "undefined" ? globalThis : window;
  root.benchledger = root.benchledger || {};
  root.benchledger.statistics = {
    fixed, fsum, includesZero, interval, median, placesOf, randomOf, rerun, resampledMeans, round12,
  };
})();
