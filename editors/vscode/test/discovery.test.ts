import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, type Surroundings, UNTRUSTED, WITHOUT_QVR, discover, installable, told } from '../src/discovery';
import type { Chosen } from '../src/environments';
import { reason } from '../src/probe';

const MANAGED = 'the environment of a manager';
const chosen = (...paths: string[]): Chosen[] => paths.map((each) => ({ said: MANAGED, path: each }));

function surroundings(files: string[], given: Partial<Surroundings> = {}): Surroundings {
  return {
    setting: '',
    chosen: [{ said: MANAGED, problem: 'none is chosen' }],
    folders: ['/models'],
    path: ['/usr/bin'],
    home: '/home/ann',
    windows: false,
    trusted: true,
    isFile: (file) => files.includes(file),
    isFolder: (file) => files.some((each) => each.startsWith(`${file}/`)),
    real: (file) => file,
    ...given,
  };
}

/** A probe under which only some programs are servers. */
function servers(...commands: string[]): (candidate: Candidate) => Promise<string> {
  return async ({ command }) => {
    if (!commands.includes(command)) throw new Error(WITHOUT_QVR);
    return '1.2.3';
  };
}

const VENV = '/models/.venv/bin/python';

test('the chosen environment comes before .venv, and .venv before the path', async () => {
  const files = ['/env/bin/python', VENV, '/usr/bin/qvr-lsp'];
  const all = surroundings(files, { chosen: chosen('/env/bin/python') });
  assert.equal((await discover(all, servers(...files))).won?.command, '/env/bin/python');
  assert.equal((await discover(all, servers(VENV, '/usr/bin/qvr-lsp'))).won?.command, VENV);
  assert.equal((await discover(all, servers('/usr/bin/qvr-lsp'))).won?.command, '/usr/bin/qvr-lsp');
});

test('a Python is given the module, and a server of its own nothing', async () => {
  const python = await discover(surroundings([VENV]), servers(VENV));
  assert.deepEqual(python.won?.arguments, ['-m', 'qvr_server']);
  const program = await discover(surroundings(['/usr/bin/qvr-lsp']), servers('/usr/bin/qvr-lsp'));
  assert.deepEqual(program.won?.arguments, []);
});

test('what is set is the only candidate, so that a mistake in it is seen', async () => {
  const around = surroundings([VENV], { setting: '/nowhere/qvr-lsp' });
  const found = await discover(around, servers(VENV));
  assert.equal(found.won, undefined);
  assert.deepEqual(told(found), ['✗ the setting qvr.path, /nowhere/qvr-lsp: there is no such file']);
});

test('a setting may name the home, the folder, an environment or a program on the path', async () => {
  for (const [setting, file] of [
    ['~/env', '/home/ann/env/bin/python'],
    ['${workspaceFolder}/env/bin/python3.12', '/models/env/bin/python3.12'],
    ['qvr-lsp', '/usr/bin/qvr-lsp'],
  ] as const) {
    const found = await discover(surroundings([file], { setting }), servers(file));
    assert.equal(found.won?.command, file);
  }
});

test('each one that could not be used says why, up to the one that won', async () => {
  const files = [VENV, '/usr/bin/python3'];
  const found = await discover(surroundings(files), servers('/usr/bin/python3'));
  assert.deepEqual(told(found), [
    `✗ ${MANAGED}: none is chosen`,
    `✗ /models/.venv: ${WITHOUT_QVR}`,
    '✗ qvr-lsp on the path: it is not there',
    '✓ /usr/bin/python3 on the path: qvr-lsp 1.2.3',
  ]);
});

test('nothing inside a folder that is not trusted is started, not even by a link', async () => {
  const started: string[] = [];
  const probe = async ({ command }: Candidate): Promise<string> => {
    started.push(command);
    return '1.2.3';
  };
  const around = surroundings([VENV, '/linked/qvr-lsp', '/models/bin/python'], {
    trusted: false,
    chosen: chosen('/models/bin/python'),
    path: ['/linked'],
    real: (file) => file.replace('/linked', '/models/tools'),
  });
  const found = await discover(around, probe);
  assert.deepEqual(started, []);
  assert.deepEqual(found.attempts.map((each) => each.problem), [UNTRUSTED, UNTRUSTED, UNTRUSTED]);
});

test('outside an untrusted folder a server is found as ever', async () => {
  const found = await discover(surroundings(['/usr/bin/qvr-lsp'], { trusted: false }), servers('/usr/bin/qvr-lsp'));
  assert.equal(found.won?.command, '/usr/bin/qvr-lsp');
});

test('a relative entry of the path is passed over, since it would be the workspace', async () => {
  const found = await discover(surroundings(['qvr-lsp', './qvr-lsp'], { path: ['.', ''] }), servers('qvr-lsp'));
  assert.equal(found.won, undefined);
});

test('an installation is offered for each Python that only lacks qvr', async () => {
  const files = ['/env/bin/python', VENV, '/usr/bin/python3', '/usr/bin/python'];
  const around = surroundings(files, { chosen: chosen('/env/bin/python') });
  const found = await discover(around, async ({ command }) => {
    throw new Error(command === VENV ? 'QVR needs Python 3.11 or newer' : WITHOUT_QVR);
  });
  assert.deepEqual(installable(found), ['/env/bin/python', '/usr/bin/python3', '/usr/bin/python']);
});

test('on Windows an environment has its programs in Scripts', async () => {
  const file = '/models/.venv/Scripts/python.exe';
  const found = await discover(surroundings([file], { windows: true }), servers(file));
  assert.deepEqual(found.won?.arguments, ['-m', 'qvr_server']);
});

test('how a program ended is told in words', () => {
  const python: Candidate = { origin: 'path', said: '', command: 'python', arguments: [], python: 'python' };
  assert.equal(reason(python, { code: 1 }, '/usr/bin/python: No module named qvr_server\n', ''), WITHOUT_QVR);
  assert.equal(reason(python, { code: 'ENOENT' }, '', ''), 'there is no such program');
  assert.equal(reason(python, { killed: true }, '', ''), 'it said nothing for 30 seconds');
  assert.match(reason(python, { code: 1 }, 'Traceback\nImportError: libtorch', ''), /broken one: ImportError: libtorch$/);
});

test('what was not needed is told as such, and nothing is tried twice', async () => {
  const tried: string[] = [];
  const files = [VENV, '/usr/bin/qvr-lsp', '/usr/bin/python3'];
  const found = await discover(surroundings(files, { chosen: chosen(VENV) }), async ({ command }) => {
    tried.push(command);
    if (command === VENV) throw new Error(WITHOUT_QVR);
    return '1.2.3';
  });
  assert.deepEqual(tried, [VENV, '/usr/bin/qvr-lsp']);
  assert.deepEqual(told(found), [
    `✗ ${MANAGED}, ${VENV}: ${WITHOUT_QVR}`,
    `✗ /models/.venv: ${WITHOUT_QVR}`,
    '✓ /usr/bin/qvr-lsp on the path: qvr-lsp 1.2.3',
    '· /usr/bin/python3 on the path: not tried, as one before it is used',
  ]);
});

test('a chosen environment may be named by its folder', async () => {
  const found = await discover(surroundings(['/env/bin/python'], { chosen: chosen('/env') }), servers('/env/bin/python'));
  assert.equal(found.won?.command, '/env/bin/python');
  const empty = await discover(surroundings(['/env/readme'], { chosen: chosen('/env') }), servers());
  assert.equal(told(empty)[0], `✗ ${MANAGED}, /env: no Python is in it`);
});

test('of several folders the first whose environment has qvr serves them all', async () => {
  const files = ['/a/.venv/bin/python', '/b/.venv/bin/python'];
  const found = await discover(surroundings(files, { folders: ['/a', '/b'] }), servers('/b/.venv/bin/python'));
  assert.equal(found.won?.command, '/b/.venv/bin/python');
});
