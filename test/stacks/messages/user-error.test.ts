import assert from "node:assert/strict";
import { test } from "node:test";
import { RunError } from "@pulumi/pulumi/errors";
import { UserError } from "../../../stacks/messages/user-error";

test("the SDK takes a user's error for one of which it prints the message only", () => {
  const error = new UserError("weight: 101 is more than 100");
  assert.ok(RunError.isInstance(error));
  assert.equal(error.message, "weight: 101 is more than 100");
  assert.equal(error.stack, "");
});
