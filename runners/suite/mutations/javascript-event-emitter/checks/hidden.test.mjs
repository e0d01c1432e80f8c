import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "./src/emitter.mjs";

test("once-then-on", () => {
  const emitter = new Emitter();
  const seen = [];
  emitter.once("x", () => seen.push("once"));
  emitter.on("x", () => seen.push("on"));
  assert.equal(emitter.emit("x"), 2);
  assert.equal(emitter.emit("x"), 1);
  assert.deepEqual(seen, ["once", "on", "on"]);
});

test("removal-of-itself", () => {
  const emitter = new Emitter();
  const seen = [];
  const stop = emitter.on("x", () => {
    seen.push("first");
    stop();
  });
  emitter.on("x", () => seen.push("second"));
  emitter.emit("x");
  assert.deepEqual(seen, ["first", "second"]);
});

test("added-while-firing", () => {
  const emitter = new Emitter();
  let late = 0;
  emitter.on("x", () => emitter.on("x", () => (late += 1)));
  assert.equal(emitter.emit("x"), 1);
  assert.equal(late, 0);
});

test("order-and-values", () => {
  const emitter = new Emitter();
  const seen = [];
  emitter.on("x", (a, b) => seen.push(a + b));
  emitter.on("x", (a, b) => seen.push(a * b));
  emitter.emit("x", 3, 4);
  assert.deepEqual(seen, [7, 12]);
});

test("nobody-listens", () => {
  const emitter = new Emitter();
  assert.equal(emitter.emit("y"), 0);
  emitter.off("y", () => {});
});
