/** A port of the picker: its flag, and what it is where the flag is not given (gateway-api-inference-extension v1.5.0). */
const portFlags = { "grpc-port": 9002, "grpc-health-port": 9003, "metrics-port": 9090 } as const;

export type PickerPort = keyof typeof portFlags;

export const pickerPorts = Object.keys(portFlags) as readonly PickerPort[];

/** The ports a picker's command line asks for. */
export function declaredPorts(args: readonly string[]): Readonly<Record<PickerPort, number>> {
  const declared: Record<PickerPort, number> = { ...portFlags };
  args.forEach((word, i) => {
    const [, name, inline] = /^--([\w-]+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined || !isPort(name)) return;
    const port = Number(inline ?? args[i + 1]);
    if (Number.isInteger(port)) declared[name] = port;
  });
  return declared;
}

/** The same command line on other ports: the last of repeated flags counts. */
export function withPorts(args: readonly string[], ports: Readonly<Record<PickerPort, number>>): string[] {
  return [...args, ...pickerPorts.map((name) => `--${name}=${ports[name]}`)];
}

function isPort(name: string): name is PickerPort {
  return name in portFlags;
}
