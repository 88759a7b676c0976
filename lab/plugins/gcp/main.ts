import { version } from "@pulumi/gcp/package.json";
import { labEnvironment } from "../protocol/guard";
import { runPlugin } from "../protocol/provider-service";
import { GcpProvider } from "./provider";

runPlugin((engine) => new GcpProvider(version, labEnvironment("pulumi-resource-gcp"), engine));
