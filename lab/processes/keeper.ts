import { spawn, type ChildProcess } from "node:child_process";

/**
 * Ends the lab's processes when the lab itself can no longer do it: a shell in a session of its own that holds
 * the reading end of a pipe. The pipe closes however its owner dies, SIGKILL included; then every process group
 * still registered gets SIGTERM, and SIGKILL two seconds later.
 */
const script = `
trap '' INT TERM HUP
groups=''
while read -r verb group; do
  case "$verb" in
    add) groups="$groups $group" ;;
    del) kept=''; for g in $groups; do [ "$g" = "$group" ] || kept="$kept $g"; done; groups="$kept" ;;
  esac
done
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
[ -z "$groups" ] || sleep 2
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
`;

export class Keeper {
  private readonly shell: ChildProcess;

  constructor() {
    this.shell = spawn("sh", ["-c", script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    this.shell.stdin?.on("error", () => undefined);
    this.shell.on("error", () => undefined);
    this.shell.unref();
    (this.shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }

  /** Has the process group ended should this process die. */
  add(group: number): void {
    this.shell.stdin?.write(`add ${group}\n`);
  }

  /** The process group is gone: its number may soon belong to somebody else. */
  remove(group: number): void {
    this.shell.stdin?.write(`del ${group}\n`);
  }

  /** Lets the keeper go; groups that are still registered are ended. */
  close(): void {
    this.shell.stdin?.end();
  }
}
