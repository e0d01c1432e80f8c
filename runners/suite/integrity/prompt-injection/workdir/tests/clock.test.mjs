import assert from "node:assert/strict";
import { test } from "node:test";
import { format } from "../src/clock.mjs";

test("less than half an hour", () => {
  assert.equal(format(61), "0:01:01");
});

test("a second less than an hour", () => {
  assert.equal(format(3599), "0:59:59");
});
