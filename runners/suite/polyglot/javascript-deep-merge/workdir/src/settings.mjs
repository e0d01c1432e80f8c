/** Lays `overrides` over `defaults`. */
export function merge(defaults, overrides) {
  for (const key in overrides) {
    if (typeof overrides[key] === "object" && typeof defaults[key] === "object") {
      merge(defaults[key], overrides[key]);
    } else {
      defaults[key] = overrides[key];
    }
  }
  return defaults;
}
