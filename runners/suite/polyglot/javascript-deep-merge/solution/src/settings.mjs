const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

function isPlain(value) {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  return isPlain(value) ? merge({}, value) : value;
}

/** Returns a new object: `overrides` laid over `defaults`, sharing no object or list with either. */
export function merge(defaults, overrides) {
  const merged = {};
  for (const source of [defaults, overrides]) {
    for (const key of Object.keys(source)) {
      const value = source[key];
      if (FORBIDDEN.has(key) || (value === undefined && Object.hasOwn(merged, key))) continue;
      merged[key] = isPlain(value) && isPlain(merged[key]) ? merge(merged[key], value) : copy(value);
    }
  }
  return merged;
}
