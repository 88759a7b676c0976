import { nameOf, type KubeObject } from "../api/objects";

/** Waiting ended without success; the object is there all the same, so its state is kept. */
export class NotReady extends Error {
  constructor(
    message: string,
    readonly object: KubeObject,
    /** What is wrong in detail: the engine lists it below the message. */
    readonly reasons: readonly string[] = [],
  ) {
    super(message);
  }
}

export function timedOut(object: KubeObject, reasons: readonly string[]): NotReady {
  return new NotReady(`'${nameOf(object)}' timed out waiting to be Ready`, object, reasons);
}

export function cancelled(object: KubeObject, reasons: readonly string[]): NotReady {
  return new NotReady(`Resource operation was cancelled for "${nameOf(object)}"`, object, reasons);
}

/** Of a read: the object exists and is not what it should be. */
export function notInitialized(object: KubeObject, reasons: readonly string[]): NotReady {
  return new NotReady(`Resource '${nameOf(object)}' was created but failed to initialize`, object, reasons);
}
