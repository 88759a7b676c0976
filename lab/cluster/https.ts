import * as fs from "node:fs";
import * as https from "node:https";

/** HTTP status of a GET with a bearer token; rejects where nobody answers within two seconds. */
export function httpsStatus(url: string, caFile: string, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = https.get(
      url,
      {
        ca: fs.readFileSync(caFile),
        headers: { authorization: `Bearer ${token}` },
        timeout: 2000,
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.once("timeout", () => request.destroy(new Error("no answer within 2 s")));
    request.once("error", reject);
  });
}
