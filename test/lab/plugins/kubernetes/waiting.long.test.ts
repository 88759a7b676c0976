import { kubernetesAwaitSuite } from "../testing/kubernetes-await-suite";
import { withEngine } from "../testing/with-engine";

withEngine("waiting for Kubernetes objects with the real engine", kubernetesAwaitSuite);
