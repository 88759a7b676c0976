/** What a gateway has of certificates. */
export interface Certificates {
  /** Secret with the certificate, in the gateway's namespace. */
  tlsSecret?: string | undefined;
  /** Regional certificate of Certificate Manager, instead of a Secret. */
  certificate?: string | undefined;
}

/** Whether clients speak TLS to it: everything that asks, prints or makes a gateway decides it here. */
export function usesTls({ tlsSecret, certificate }: Certificates): boolean {
  return tlsSecret !== undefined || certificate !== undefined;
}
