import { declaredPorts, withPorts } from "./picker";
import assert from "node:assert/strict";
import { it } from "node:test";

it("finds a picker's ports in both forms of a flag", () => {
  assert.deepEqual(declaredPorts(["--pool-name", "llm", "--grpc-port", "9100", "--metrics-port=9200"]), {
    "grpc-port": 9100,
    "grpc-health-port": 9003,
    "metrics-port": 9200,
  });
});

it("puts the real ports last, where they count", () => {
  const ports = { "grpc-port": 1, "grpc-health-port": 2, "metrics-port": 3 };
  assert.deepEqual(withPorts(["--grpc-port", "9002"], ports), [
    ...["--grpc-port", "9002", "--grpc-port=1", "--grpc-health-port=2", "--metrics-port=3"],
  ]);
});
