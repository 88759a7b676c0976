import { withEngine } from "./testing/test-lab";
import { kubernetesSuite } from "./testing/kubernetes-suite";

withEngine("the guarded provider with the real engine", kubernetesSuite);
