// What `qvr sbc --json` is started with and answers, as the test explorer shows it. Nothing here knows VS Code.

import * as path from 'node:path';
import type { Candidate } from './discovery';

export interface Range {
  start: { line: number; character: number };
  end: { line: number; character: number };
}

interface Quantity {
  name: string;
  site: string;
  verdict: string;
  p: number;
  beyond: number;
  range: Range | null;
}

interface Study {
  calibrated: boolean;
  meaning: string;
  made: number;
  draws: number;
  seconds: number;
  quantities: Quantity[];
  failed: { replicate: number; message: string }[];
  diverged: number;
}

interface Refusal {
  diagnostics: { code: string; message: string; range: Range }[];
}

/** One thing to say, and the place in the model that it is about. */
export interface Message {
  text: string;
  range: Range | null;
}

/** How a check ended: `errored` is one that could not be made. */
export interface Outcome {
  kind: 'passed' | 'failed' | 'errored';
  messages: Message[];
  /** A line for each quantity, for the output. */
  lines: string[];
}

export interface Call {
  command: string;
  arguments: string[];
}

/** How the `qvr` of a server is started: its Python's module, or the command beside `qvr-lsp`. */
export function callOf(server: Candidate, file: string, program: string): Call {
  const asked = ['sbc', file, '--program', program, '--json'];
  if (server.python !== undefined) return { command: server.python, arguments: ['-m', 'quivers.cli', ...asked] };
  const { dir, ext } = path.parse(server.command);
  return { command: path.join(dir, `qvr${ext}`), arguments: asked };
}

/** What a finished check says; `complaints` is the end of its standard error. */
export function outcomeOf(output: string, complaints: string): Outcome {
  let answer: Study | Refusal;
  try {
    answer = JSON.parse(output) as Study | Refusal;
  } catch {
    const text = complaints.trim().split('\n').at(-1)?.trim() ?? '';
    return { kind: 'errored', messages: [{ text: text === '' ? 'qvr sbc ended without an answer.' : text, range: null }], lines: [] };
  }
  if ('diagnostics' in answer) {
    const messages = answer.diagnostics.map(({ code, message, range }) => ({ text: `${message} [${code}]`, range }));
    return { kind: 'errored', messages, lines: [] };
  }
  const lines = answer.quantities.map((each) => `${each.name}: ${said(each)}`);
  lines.push(answer.meaning, `${answer.made} replicates in ${answer.seconds.toFixed(1)} s`);
  if (answer.calibrated) return { kind: 'passed', messages: [], lines };
  const wrong = answer.quantities.filter((each) => each.verdict !== 'calibrated');
  const messages: Message[] = bySite(wrong).map(([range, own]) => ({
    text: `${own.map((each) => `${each.name} is ${said(each)}`).join('; ')}. ${answer.meaning}`,
    range,
  }));
  if (answer.failed.length > 0) {
    const [first] = answer.failed;
    messages.push({ text: `${answer.failed.length} of ${answer.made} replicates could not be fitted. ${first?.message ?? ''}`, range: null });
  }
  return { kind: 'failed', messages: messages.length > 0 ? messages : [{ text: answer.meaning, range: null }], lines };
}

/** The quantities of each site together, so that a line of the model has one message. */
function bySite(quantities: Quantity[]): [Range | null, Quantity[]][] {
  const sites = new Map<string, [Range | null, Quantity[]]>();
  for (const each of quantities) {
    const found = sites.get(each.site);
    if (found === undefined) sites.set(each.site, [each.range, [each]]);
    else found[1].push(each);
  }
  return [...sites.values()];
}

function said({ verdict, p, beyond }: Quantity): string {
  const small = p < 0.001 ? p.toExponential(1) : p.toFixed(3);
  return beyond > 0 ? `${verdict} (p = ${small}, ${(100 * beyond).toFixed(1)} % beyond the band)` : `${verdict} (p = ${small})`;
}
