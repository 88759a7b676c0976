import { version } from "@pulumi/random/package.json";
import { labEnvironment } from "../protocol/guard";
import { runPlugin } from "../protocol/provider-service";
import { RandomProvider } from "./provider";

runPlugin(() => {
  labEnvironment("pulumi-resource-random");
  return new RandomProvider(version);
});
