import { gcpSuite } from "./testing/gcp-suite";
import { languageSuite } from "./testing/language-suite";
import { withEngine } from "./testing/with-engine";

withEngine("language host, random and Google Cloud with the real engine", languageSuite, gcpSuite);
