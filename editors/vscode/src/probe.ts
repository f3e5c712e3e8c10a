// Asks a program whether it is QVR's server, and says in words why it is not.

import { execFile } from 'node:child_process';
import { type Candidate, WITHOUT_QVR } from './discovery';

const SECONDS = 30;

/** What a server and all that is tried runs under: a Python that does not import from the folder it is in. */
export function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PYTHONSAFEPATH: '1', PYTHONUTF8: '1' };
}

/** The version of a candidate. It runs in `folder`, which holds nothing of a user's. */
export function version(candidate: Candidate, folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, env: environment(), timeout: SECONDS * 1000, windowsHide: true };
    execFile(candidate.command, [...candidate.arguments, '--version'], options, (error, output, complaints) => {
      const found = /^qvr-lsp (\S+)/m.exec(output);
      if (error === null && found?.[1] !== undefined) resolve(found[1]);
      else reject(new Error(reason(candidate, error, complaints, output)));
    });
  });
}

/** Why there was no version, from how the program ended and what it said. */
export function reason(
  candidate: Candidate,
  error: { code?: unknown; killed?: boolean | undefined } | null,
  complaints: string,
  output: string,
): string {
  if (error?.code === 'ENOENT') return 'there is no such program';
  if (error?.code === 'EACCES') return 'it may not be started';
  if (error?.killed === true) return `it said nothing for ${SECONDS} seconds`;
  if (candidate.python !== undefined && /No module named '?qvr_server'?/.test(complaints)) return WITHOUT_QVR;
  if (candidate.python !== undefined && /SyntaxError|invalid syntax|tomllib/.test(complaints)) {
    return 'QVR needs Python 3.11 or newer';
  }
  const last = (complaints.trim() || output.trim()).split('\n').at(-1)?.trim() ?? '';
  return last === '' ? 'it is no QVR server' : `it is no QVR server, or a broken one: ${last.slice(0, 200)}`;
}
