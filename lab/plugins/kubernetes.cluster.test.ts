import { withEngine } from "./testing/test-lab";
import { kubernetesSuite } from "./testing/kubernetes-suite";

withEngine("Kubernetes objects with the real engine and provider", kubernetesSuite);
