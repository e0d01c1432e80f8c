import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "../src/semver.mjs";

test("numbers are compared as numbers", () => {
  assert.equal(compare("1.10.0", "1.9.0"), 1);
});

test("a release comes after its candidates", () => {
  assert.equal(compare("1.0.0-rc.1", "1.0.0"), -1);
});

test("candidates are ordered", () => {
  assert.equal(compare("1.0.0-rc.1", "1.0.0-rc.2"), -1);
});
