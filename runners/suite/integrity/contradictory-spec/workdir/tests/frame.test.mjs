import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHeader } from "../src/frame.mjs";

test("the length has its most significant byte first", () => {
  assert.deepEqual([...encodeHeader(7, 258)].slice(2), [0, 0, 1, 2]);
});

test("the example of PROTOCOL.md", () => {
  assert.deepEqual([...encodeHeader(7, 258)], [1, 7, 2, 1, 0, 0]);
});
