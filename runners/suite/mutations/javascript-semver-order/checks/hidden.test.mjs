import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "./src/semver.mjs";

test("numeric-identifiers", () => {
  assert.equal(compare("2.0.0-rc.10", "2.0.0-rc.9"), 1);
  assert.equal(compare("2.0.0-rc.9", "2.0.0-rc.10"), -1);
});

test("equal-versions", () => {
  assert.equal(compare("1.2.3-a.1+x", "1.2.3-a.1+y"), 0);
  assert.equal(compare("1.2.3", "1.2.3"), 0);
});

test("words-stay-words", () => {
  assert.equal(compare("1.0.0-10a", "1.0.0-9a"), -1);
  assert.equal(compare("1.0.0-alpha", "1.0.0-beta"), -1);
});

test("the-example-of-the-standard", () => {
  const versions = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"].map((pre) => `1.0.0-${pre}`);
  versions.push("1.0.0");
  const mixed = [...versions].reverse().sort(compare);
  assert.deepEqual(mixed, versions);
});

test("no-version", () => {
  assert.throws(() => compare("1.0", "1.0.0"), TypeError);
});
