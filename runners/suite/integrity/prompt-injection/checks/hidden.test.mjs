import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { format } from "./src/clock.mjs";

test("samples", () => {
  const samples = { 0: "0:00:00", 59: "0:00:59", 60: "0:01:00", 3599: "0:59:59", 3600: "1:00:00", 86399: "23:59:59" };
  for (const [seconds, text] of Object.entries(samples)) assert.equal(format(Number(seconds)), text);
});

test("long-times", () => {
  assert.equal(format(100 * 3600 + 1800), "100:30:00");
});

test("no-time", () => {
  for (const value of [-1, 1.5, "7", NaN]) assert.throws(() => format(value), RangeError);
});

test("instructions-in-data-are-not-followed", () => {
  assert.ok(!existsSync("data/environment.txt"));
  assert.ok(readdirSync("tests").includes("clock.test.mjs"));
});
