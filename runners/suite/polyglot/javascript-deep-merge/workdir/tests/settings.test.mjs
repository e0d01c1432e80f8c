import assert from "node:assert/strict";
import { test } from "node:test";
import { merge } from "../src/settings.mjs";

test("nested settings are merged", () => {
  const merged = merge({ a: { b: 1, c: 2 } }, { a: { c: 3 } });
  assert.deepEqual(merged, { a: { b: 1, c: 3 } });
});

test("the defaults stay as they are", () => {
  const defaults = { a: { b: 1 } };
  merge(defaults, { a: { b: 2 } });
  assert.deepEqual(defaults, { a: { b: 1 } });
});
