import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "../src/emitter.mjs";

test("listeners are called in order", () => {
  const emitter = new Emitter();
  const seen = [];
  emitter.on("x", (value) => seen.push(`a${value}`));
  emitter.on("x", (value) => seen.push(`b${value}`));
  assert.equal(emitter.emit("x", 1), 2);
  assert.deepEqual(seen, ["a1", "b1"]);
});

test("once is called once", () => {
  const emitter = new Emitter();
  let count = 0;
  emitter.once("x", () => (count += 1));
  emitter.emit("x");
  emitter.emit("x");
  assert.equal(count, 1);
});
