const PATTERN = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** Splits a version into numbers and the identifiers of its pre-release; throws where it is none. */
export function parse(text) {
  const found = PATTERN.exec(text);
  if (!found) throw new TypeError(`${text} is no version`);
  return {
    numbers: found.slice(1, 4).map(Number),
    pre: found[4] === undefined ? [] : found[4].split("."),
  };
}

function compareIdentifiers(left, right) {
  const numeric = [left, right].map((text) => /^\d+$/.test(text));
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
  if (numeric[0]) return Math.sign(Number(left) - Number(right));
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Returns -1, 0 or 1: whether `left` comes before, beside or after `right`. */
export function compare(left, right) {
  const [a, b] = [parse(left), parse(right)];
  for (let index = 0; index < 3; index += 1) {
    if (a.numbers[index] !== b.numbers[index]) return a.numbers[index] < b.numbers[index] ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (let index = 0; index < Math.min(a.pre.length, b.pre.length); index += 1) {
    const order = compareIdentifiers(a.pre[index], b.pre[index]);
    if (order !== 0) return order;
  }
  return Math.sign(a.pre.length - b.pre.length);
}
