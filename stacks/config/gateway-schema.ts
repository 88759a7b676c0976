import { z } from "zod";
import { maxLabel } from "../../components/names";
import { defaultPort, defaults } from "./defaults";
import { dnsName, flag, integer, name, oneOf, text } from "./fields";

/** The gateway and what stands in the path of its traffic. Rules between fields are in gateway.ts. */

const template = text("a Model Armor template, as projects/PROJECT/locations/REGION/templates/NAME").regex(
  /^projects\/[^/]+\/locations\/[^/]+\/templates\/[^/]+$/,
  "a Model Armor template, as projects/PROJECT/locations/REGION/templates/NAME",
);

export const modelArmorSchema = z.strictObject(
  {
    promptTemplate: template.describe("Template that prompts are held against."),
    responseTemplate: template.describe("Template that answers are held against."),
    model: text("a model, as Qwen/Qwen3-8B")
      .optional()
      .describe("The model whose traffic is looked at. Default: the stack's model."),
    failOpen: flag()
      .optional()
      .describe("Whether traffic passes when Model Armor does not answer. Default: false."),
  },
  { error: "an object with promptTemplate, responseTemplate, model, failOpen" },
);

export const gatewaySchema = z.strictObject(
  {
    name: name(maxLabel).optional().describe(`Default: ${defaults.gateway.name}, the source's name.`),
    namespace: name(maxLabel).optional().describe("Default: the service's namespace."),
    existing: flag()
      .optional()
      .describe("The Gateway was made by somebody else (also by a platform stack). Default: false."),
    routesFrom: z
      .array(name(maxLabel), { error: "a list of namespaces" })
      .optional()
      .describe("Namespaces whose routes may attach. Default: the service's namespace."),
    exposure: oneOf(["internal", "external"])
      .optional()
      .describe("Default: internal, a regional internal load balancer."),
    port: integer(1, 65535, "")
      .optional()
      .describe(
        `Default: ${defaultPort(false)} in clear text inside the network, ${defaultPort(true)} with TLS.`,
      ),
    hostname: text("a DNS name")
      .regex(dnsName, "a DNS name")
      .optional()
      .describe("Needed for an external gateway."),
    tlsSecret: name(maxLabel)
      .optional()
      .describe(
        "Secret with the certificate, in the gateway's namespace. An external gateway needs this or certificate.",
      ),
    certificate: name(maxLabel)
      .optional()
      .describe("Certificate of Certificate Manager, in the gateway's region, instead of a Secret."),
    address: name(maxLabel)
      .optional()
      .describe("Name of a reserved regional address of the same exposure. Default: GKE takes a free one."),
    globalAccess: flag()
      .optional()
      .describe("internal: clients in other regions of the network may connect. Default: false."),
    timeoutSeconds: integer(1, 86_400, "")
      .optional()
      .describe(
        `How long one answer may take, to its last token; the load balancer's own is 30. Default: ${defaults.gateway.timeoutSeconds}.`,
      ),
    logging: flag().optional().describe("Whether the load balancer logs requests. Default: true."),
    cloudArmor: name(maxLabel)
      .optional()
      .describe("external: name of a regional Cloud Armor security policy for all pools. Default: none."),
    modelArmor: modelArmorSchema
      .optional()
      .describe("Prompts and answers are checked. Default: they are not."),
  },
  { error: "an object" },
);
