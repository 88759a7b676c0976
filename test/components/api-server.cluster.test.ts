import { withEngine } from "../../lab/plugins/testing/test-lab";
import { moveGuardSuite } from "./api-server/move-guard";
import { shapeGuardSuite } from "./api-server/shape-guard";
import { strategicMergeSuite } from "./api-server/strategic-merge";
import { trafficGuardSuite } from "./api-server/traffic-guard";

withEngine(
  "what only the API server can say",
  strategicMergeSuite,
  trafficGuardSuite,
  moveGuardSuite,
  shapeGuardSuite,
);
