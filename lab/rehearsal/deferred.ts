/** A promise that somebody else settles, and that says meanwhile what is being done. */
export interface Deferred {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
  output: (text: string) => void;
  onOutput: (listener: (text: string) => void) => void;
}

export function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  let listener: (text: string) => void = () => undefined;
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  // Whoever waits sees it; nobody waiting is no crash.
  promise.catch(() => undefined);
  return { promise, resolve, reject, output: (text) => listener(text), onOutput: (to) => (listener = to) };
}
