import { kubernetesSuite } from "./testing/kubernetes-suite";
import { withEngine } from "./testing/with-engine";

withEngine("Kubernetes objects with the real engine and provider", kubernetesSuite);
