// Which server to start: the candidates in their order, each with why it can't be used, up to the first that can.
//
// Nothing here knows VS Code. In a workspace that is not trusted nothing inside its folders is started, not
// even to ask for its version.

import * as path from 'node:path';
import type { Chosen } from './environments';

export type Origin = 'setting' | 'python' | 'venv' | 'path';

/** What may be started. `python` is the interpreter that would get `qvr` installed. */
export interface Candidate {
  origin: Origin;
  said: string;
  command: string;
  arguments: string[];
  python?: string;
}

/** A candidate: its version, or why it can't be used or was not needed. */
export interface Attempt {
  origin: Origin;
  said: string;
  problem?: string;
  version?: string;
  python?: string;
  /** One before it could be used. */
  isSpare?: boolean;
}

export interface Surroundings {
  /** The setting `qvr.path`, as it is written. */
  setting: string;
  /** What is chosen in the extensions that manage environments. */
  chosen: Chosen[];
  folders: string[];
  /** The directories of PATH. */
  path: string[];
  home: string;
  windows: boolean;
  trusted: boolean;
  isFile(file: string): boolean;
  isFolder(file: string): boolean;
  /** The path without links; itself where there is none. */
  real(file: string): string;
}

export interface Discovery {
  won: Candidate | undefined;
  version: string | undefined;
  attempts: Attempt[];
}

/** Asks a candidate for its version; throws an Error whose message says why there is none. */
export type Probe = (candidate: Candidate) => Promise<string>;

export const UNTRUSTED = 'it is inside this workspace, which is not trusted';
/** What is said of a Python that could be a server's, had it the package. */
export const WITHOUT_QVR = 'it has no qvr';
const MODULE = ['-m', 'qvr_server'];

/** The first candidate that answers, with all others: those before it were tried, those after it not. */
export async function discover(around: Surroundings, probe: Probe): Promise<Discovery> {
  const attempts: Attempt[] = [];
  const failed = new Map<string, string>();
  let found: { won: Candidate; version: string } | undefined;
  for (const candidate of candidates(around)) {
    const { origin, said } = candidate;
    const attempt: Attempt = { origin, said };
    if (found !== undefined && !('problem' in candidate)) {
      attempts.push({ ...attempt, isSpare: true });
      continue;
    }
    if ('problem' in candidate) {
      attempts.push({ ...attempt, problem: candidate.problem });
      continue;
    }
    if (candidate.python !== undefined) attempt.python = candidate.python;
    if (!around.trusted && isInside(candidate.command, around)) {
      attempts.push({ ...attempt, problem: UNTRUSTED });
      continue;
    }
    const known = failed.get(candidate.command);
    if (known !== undefined) {
      attempts.push({ ...attempt, problem: known });
      continue;
    }
    try {
      const version = await probe(candidate);
      attempts.push({ ...attempt, version });
      found = { won: candidate, version };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      failed.set(candidate.command, problem);
      attempts.push({ ...attempt, problem });
    }
  }
  return { won: found?.won, version: found?.version, attempts };
}

type Missing = { origin: Origin; said: string; problem: string };

/** All places in their order: what may be started there, or why nothing may. */
export function candidates(around: Surroundings): (Candidate | Missing)[] {
  const chosen = around.setting.trim();
  // Who names a server wants that one, and an error where it is wrong.
  if (chosen !== '') return [ofSetting(chosen, around)];
  return [...around.chosen.map((each) => ofManager(each, around)), ...around.folders.flatMap((folder) => ofFolder(folder, around)), ...ofPath(around)];
}

function ofSetting(written: string, around: Surroundings): Candidate | Missing {
  const folder = around.folders[0];
  const said = `the setting qvr.path, ${written}`;
  if (written.includes('${workspaceFolder}') && folder === undefined) {
    return { origin: 'setting', said, problem: 'no folder is open' };
  }
  const file = written
    .replace(/^~(?=$|[\\/])/, around.home)
    .replaceAll('${workspaceFolder}', folder ?? '')
    .replaceAll('${userHome}', around.home);
  if (!path.isAbsolute(file)) {
    const found = around.path.map((each) => executable(each, file, around)).find((each) => each !== undefined);
    return found === undefined
      ? { origin: 'setting', said, problem: 'there is no such program on the path' }
      : of('setting', said, found);
  }
  if (around.isFolder(file)) {
    const found = inEnvironment(file, 'python', around);
    return found === undefined ? { origin: 'setting', said, problem: 'no Python is in it' } : of('setting', said, found);
  }
  return around.isFile(file) ? of('setting', said, file) : { origin: 'setting', said, problem: 'there is no such file' };
}

function ofManager(chosen: Chosen, around: Surroundings): Candidate | Missing {
  const { said } = chosen;
  if ('problem' in chosen) return { origin: 'python', said, problem: chosen.problem };
  const file = around.isFolder(chosen.path) ? inEnvironment(chosen.path, 'python', around) : chosen.path;
  const named = `${said}, ${chosen.path}`;
  return file === undefined ? { origin: 'python', said: named, problem: 'no Python is in it' } : of('python', named, file);
}

function ofFolder(folder: string, around: Surroundings): (Candidate | Missing)[] {
  const environment = path.join(folder, '.venv');
  const python = inEnvironment(environment, 'python', around);
  const said = `${environment}`;
  return [python === undefined ? { origin: 'venv', said, problem: 'there is no such environment' } : of('venv', said, python)];
}

function ofPath(around: Surroundings): (Candidate | Missing)[] {
  const found: (Candidate | Missing)[] = [];
  for (const name of ['qvr-lsp', 'python3', 'python']) {
    const file = around.path.map((folder) => executable(folder, name, around)).find((each) => each !== undefined);
    if (file !== undefined) found.push(of('path', `${file} on the path`, file));
    else if (name === 'qvr-lsp') found.push({ origin: 'path', said: 'qvr-lsp on the path', problem: 'it is not there' });
  }
  return found;
}

/** What starts the server from a program: a Python is given the module. */
function of(origin: Origin, said: string, file: string): Candidate {
  const isPython = /^py(thon[\d.]*w?)?(\.exe)?$/i.test(path.basename(file));
  return isPython
    ? { origin, said, command: file, arguments: MODULE, python: file }
    : { origin, said, command: file, arguments: [] };
}

function inEnvironment(environment: string, name: string, around: Surroundings): string | undefined {
  return executable(path.join(environment, around.windows ? 'Scripts' : 'bin'), name, around);
}

function executable(folder: string, name: string, around: Surroundings): string | undefined {
  if (!path.isAbsolute(folder)) return undefined; // `.` on the path would be the workspace
  const names = around.windows && path.extname(name) === '' ? [`${name}.exe`] : [name];
  return names.map((each) => path.join(folder, each)).find((each) => around.isFile(each));
}

function isInside(file: string, around: Surroundings): boolean {
  const places = [file, path.join(around.real(path.dirname(file)), path.basename(file))];
  return around.folders.some((folder) =>
    [folder, around.real(folder)].some((each) => places.some((place) => contains(each, place))),
  );
}

function contains(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** The interpreters that lack `qvr`, the likeliest first, to offer an installation for. */
export function installable(discovery: Discovery): string[] {
  const pythons = discovery.attempts
    .filter((each) => each.problem === WITHOUT_QVR)
    .map((each) => each.python);
  return [...new Set(pythons.filter((each): each is string => each !== undefined))];
}

/** All that was looked at, a line each. */
export function told(discovery: Discovery): string[] {
  return discovery.attempts.map((each) => `${sign(each)} ${each.said}: ${verdict(each)}`);
}

export function sign(attempt: Attempt): string {
  if (attempt.isSpare === true) return '·';
  return attempt.problem === undefined ? '✓' : '✗';
}

/** Why it is used, can't be used, or was not looked at. */
export function verdict(attempt: Attempt): string {
  if (attempt.isSpare === true) return 'not tried, as one before it is used';
  return attempt.problem ?? `qvr-lsp ${attempt.version}`;
}
