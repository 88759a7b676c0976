/** Seconds between two lines of progress where nobody watches a terminal. */
const pause = 5;

/** Prints what an installation says, a line every few seconds: a test of a minute must not look as if it hung. */
export function progressOf(name: string): (line: string) => void {
  const began = Date.now();
  let next = began;
  return (line) => {
    if (Date.now() < next) return;
    next = Date.now() + pause * 1000;
    console.log(`# ${name}: ${Math.round((Date.now() - began) / 1000)} s: ${line}`);
  };
}
