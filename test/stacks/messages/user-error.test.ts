import assert from "node:assert/strict";
import { test } from "node:test";
import { RunError } from "@pulumi/pulumi/errors";
import { UserError, withoutLibraryFrames } from "../../../stacks/messages/user-error";

test("the SDK takes a user's error for one of which it prints the message only", () => {
  const error = new UserError("weight: 101 is more than 100");
  assert.ok(RunError.isInstance(error));
  assert.equal(error.message, "weight: 101 is more than 100");
  assert.equal(error.stack, "");
});

test("a mistake of the program keeps the frames of its bundle, and no library's", () => {
  const error = new Error("broken");
  error.stack = [
    "Error: broken",
    "    at plan (/checkout/node_modules/.cache/program/index-0123456789abcdef.js:10:5)",
    "    at lib (/checkout/node_modules/@pulumi/pulumi/output.js:1:1)",
    "    at plan (/home/user/.cache/gke-inference-rollout/program/x/index-0123456789abcdef.js:11:5)",
  ].join("\n");
  withoutLibraryFrames(error);
  assert.equal(error.stack.split("\n").length, 3);
  assert.doesNotMatch(error.stack, /output\.js/);
});
