// What the server's commands answer, as far as the extension reads it.

export type Figure = number | null;

export interface Histogram {
  low: number;
  high: number;
  counts: number[];
}

/** A site's figures; of a run under way there are
 * no quantiles and no role. The last axis runs fastest. */
export interface Site {
  role?: string;
  axes?: string[];
  shape: number[];
  mean: Figure[];
  sd: Figure[];
  q5?: Figure[];
  q95?: Figure[];
  r_hat?: Figure;
  ess?: Figure;
  histogram: Histogram | null;
}

export interface Row {
  mean: Figure;
  sd: Figure;
  r_hat: Figure;
}

/** What the elements of objects are called, by object, for those that the data name. */
export type Labels = Record<string, string[]>;

export interface RunAnswer {
  program: string;
  divergences: number;
  seconds: { total: number };
  problems: string[];
  summary: Record<string, Row>;
  sites: Record<string, Site>;
  labels?: Labels;
}

export interface LastResult {
  program: string;
  finished: string;
  stale: boolean;
  changed: ('model' | 'data')[];
  result: RunAnswer;
}

export interface PriorAnswer {
  program: string;
  draws: number;
  sites: Record<string, Site>;
  labels?: Labels;
  problems: string[];
}

/** What a run tells while it is under way. */
export interface Partial {
  kind: 'partial';
  done: number;
  total: number;
  sites: Record<string, Site>;
  labels?: Labels;
}

/** One number's draws by chain, of which each is the `every`-th; `divergences` has numbers of draws. */
export interface TraceAnswer {
  name: string;
  running: boolean;
  finished: string | null;
  draws: number;
  every: number;
  chains: Figure[][];
  divergences: number[][];
  divergent: number[];
  histogram: { low: number; high: number; counts: number[][] } | null;
}

export interface DebugInfo {
  worker: { state: string; pid: number | null; memory: number | null; runs: number; starts: number };
}

/** Which refusal an error of the server is; undefined where it does not say. */
export function refusal(error: unknown): string | undefined {
  const data = (error as { data?: { kind?: unknown } } | null)?.data;
  if (typeof data?.kind === 'string') return data.kind;
  const code = (error as { code?: unknown } | null)?.code;
  return code === -32800 || code === -32802 ? 'cancelled' : undefined;
}

export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
