import { withEngine } from "./testing/test-lab";
import { gcpSuite } from "./testing/gcp-suite";
import { languageSuite } from "./testing/language-suite";

withEngine("language host, random and Google Cloud with the real engine", languageSuite, gcpSuite);
