import { withEngine } from "./testing/test-lab";
import { providerSuite } from "./testing/provider-suite";

withEngine("Kubernetes objects with the real engine and provider", providerSuite);
