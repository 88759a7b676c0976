/** A Prometheus histogram of one series. */
export class Histogram {
  private readonly counts: number[];
  private sum = 0;
  private total = 0;

  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly bounds: readonly number[],
  ) {
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.total++;
    for (let i = this.bounds.length - 1; i >= 0 && value <= (this.bounds[i] ?? 0); i--) {
      this.counts[i] = (this.counts[i] ?? 0) + 1;
    }
  }

  /** @param labels "a=\"b\",c=\"d\"" */
  print(labels: string): string {
    const { name } = this;
    let text = `# HELP ${name} ${this.help}\n# TYPE ${name} histogram\n`;
    this.bounds.forEach((bound, i) => {
      text += `${name}_bucket{${labels},le="${bound}"} ${this.counts[i] ?? 0}\n`;
    });
    return `${text}${name}_bucket{${labels},le="+Inf"} ${this.total}\n${name}_sum{${labels}} ${this.sum}\n${name}_count{${labels}} ${this.total}\n`;
  }
}

export function metric(
  kind: "gauge" | "counter",
  name: string,
  help: string,
  series: readonly Series[],
): string {
  const lines = series.map(({ labels, value }) => `${name}{${labels}} ${value}\n`).join("");
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines}`;
}

export interface Series {
  labels: string;
  value: number;
}

export function labelled(labels: Readonly<Record<string, string | number>>): string {
  return Object.entries(labels)
    .map(
      ([name, value]) =>
        `${name}="${String(value).replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`,
    )
    .join(",");
}
