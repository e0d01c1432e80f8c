import assert from "node:assert/strict";
import { test } from "node:test";
import { merge } from "./src/settings.mjs";

test("inputs-stay", () => {
  const defaults = { a: { b: [1] }, d: { e: 1 } };
  const overrides = { a: { c: { x: 1 } } };
  const merged = merge(defaults, overrides);
  merged.a.b.push(2);
  merged.a.c.x = 9;
  merged.d.e = 9;
  assert.deepEqual(defaults, { a: { b: [1] }, d: { e: 1 } });
  assert.deepEqual(overrides, { a: { c: { x: 1 } } });
});

test("lists-are-replaced", () => {
  const list = [{ z: 1 }];
  const merged = merge({ a: [1, 2, 3], b: { c: 1 }, d: [1] }, { a: [9], b: [1], d: list });
  assert.deepEqual(merged, { a: [9], b: [1], d: [{ z: 1 }] });
  merged.d[0].z = 2;
  assert.deepEqual(list, [{ z: 1 }]);
});

test("null-and-undefined", () => {
  assert.deepEqual(merge({ a: 1, b: { c: 1 }, d: null }, { a: undefined, b: null, d: { e: 1 } }), {
    a: 1,
    b: null,
    d: { e: 1 },
  });
});

test("prototypes-are-safe", () => {
  const hostile = JSON.parse('{"__proto__": {"bad": 1}, "a": {"constructor": {"prototype": {"bad": 1}}, "__proto__": {"bad": 1}, "x": 1}}');
  const merged = merge({ a: { y: 2 } }, hostile);
  assert.equal({}.bad, undefined);
  assert.equal(merged.bad, undefined);
  assert.deepEqual(Object.keys(merged.a).sort(), ["x", "y"]);
  assert.equal(merged.a.bad, undefined);
});

test("prototypes-in-lists", () => {
  const merged = merge({}, { a: [JSON.parse('{"__proto__": {"bad": 1}, "prototype": 1, "x": 1}')] });
  assert.deepEqual(Object.keys(merged.a[0]), ["x"]);
  assert.equal(merged.a[0].bad, undefined);
});

test("other-objects-are-replaced", () => {
  const when = new Date(5);
  const merged = merge({ a: { b: 1 }, c: 1 }, { a: when, c: { d: 2 } });
  assert.equal(merged.a.getTime(), 5);
  assert.deepEqual(merged.c, { d: 2 });
});

test("own-keys-only", () => {
  const merged = merge({}, Object.assign(Object.create({ inherited: 1 }), { own: 1 }));
  assert.deepEqual(Object.keys(merged), ["own"]);
});
