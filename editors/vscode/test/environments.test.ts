import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Activation, type Place, choices, listen } from '../src/environments';

const ENVS = 'ms-python.vscode-python-envs';
const PYTHON = 'ms-python.python';
const NEWER = 'the environment of Python Environments';
const OLDER = 'the environment of the Python extension';
const A: Place = { fsPath: '/a' };
const B: Place = { fsPath: '/b' };

function installed(exports: Record<string, unknown>): Activation {
  return (id) => (id in exports ? async () => exports[id] : undefined);
}

/** Something that can be listened to, as extensions offer it. */
class Changes {
  readonly listeners = new Set<(given: unknown) => unknown>();
  readonly event = (listener: (given: unknown) => unknown): { dispose(): void } => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
}

/** The newer extension, in whose folders these environments are chosen. */
function environments(chosen: Record<string, object | undefined>, changes = new Changes()): object {
  return {
    getEnvironment: async (scope: Place | undefined) => chosen[scope?.fsPath ?? ''],
    resolveEnvironment: async (given: object) => ({ ...given, execInfo: { run: { executable: '/resolved/bin/python' } } }),
    onDidChangeEnvironment: changes.event,
  };
}
const environment = (executable: string): object => ({ environmentPath: { fsPath: '/somewhere' }, execInfo: { run: { executable } } });

/** The older extension; a path that is no Python has none behind it. */
function python(active: Record<string, string>, changes = new Changes()): object {
  return {
    environments: {
      getActiveEnvironmentPath: (resource: Place | undefined) => ({ path: active[resource?.fsPath ?? ''] ?? '' }),
      resolveEnvironment: async ({ path }: { path: string }) => {
        if (!path.startsWith('/')) return undefined;
        return { executable: { uri: path.endsWith('/empty') ? undefined : { fsPath: `${path}/bin/python` } } };
      },
      onDidChangeActiveEnvironmentPath: changes.event,
    },
  };
}

test('without the extensions both are told to be missing', async () => {
  const problem = 'that extension is not installed';
  assert.deepEqual(await choices(installed({}), [A]), [{ said: NEWER, problem }, { said: OLDER, problem }]);
});

test('the older extension tells its environment by its interpreter', async () => {
  const [, found] = await choices(installed({ [PYTHON]: python({ '/a': '/env' }) }), [A]);
  assert.deepEqual(found, { said: OLDER, path: '/env/bin/python' });
});

test('the older one says what it lacks: a choice, a Python in it, an environment at all', async () => {
  for (const [chosen, problem] of [['', 'none is chosen'], ['/conda/empty', 'no Python is in /conda/empty'], ['gone', 'gone is no Python']] as const) {
    const [, found] = await choices(installed({ [PYTHON]: python({ '/a': chosen }) }), [A]);
    assert.deepEqual(found, { said: OLDER, problem });
  }
});

test('the newer extension comes first, and one Python that both tell counts once', async () => {
  const newer = environments({ '/a': environment('/env/bin/python') });
  assert.deepEqual(await choices(installed({ [PYTHON]: python({ '/a': '/env' }), [ENVS]: newer }), [A]), [{ said: NEWER, path: '/env/bin/python' }]);
  const two = await choices(installed({ [PYTHON]: python({ '/a': '/other' }), [ENVS]: newer }), [A]);
  assert.deepEqual(two.map((each) => 'path' in each && each.path), ['/env/bin/python', '/other/bin/python']);
});

test('an environment of the newer one may have to be resolved, name a folder, or be broken', async () => {
  for (const [given, expected] of [
    [{ environmentPath: A }, { said: NEWER, path: '/resolved/bin/python' }],
    [environment('python'), { said: NEWER, path: '/somewhere' }],
    [{ environmentPath: A, error: 'pyvenv.cfg is missing' }, { said: NEWER, problem: 'it is broken: pyvenv.cfg is missing' }],
    [undefined, { said: NEWER, problem: 'none is chosen' }],
  ] as const) {
    const [found] = await choices(installed({ [ENVS]: environments({ '/a': given }) }), [A]);
    assert.deepEqual(found, expected);
  }
});

test('the newer one exports nothing where it is switched off, and the older is asked', async () => {
  const found = await choices(installed({ [ENVS]: undefined, [PYTHON]: python({ '/a': '/env' }) }), [A]);
  assert.deepEqual(found, [{ said: NEWER, problem: 'that extension is switched off' }, { said: OLDER, path: '/env/bin/python' }]);
});

test('each folder is asked for its own, and named where there are several', async () => {
  const found = await choices(installed({ [PYTHON]: python({ '/a': '/one', '/b': '/two' }) }), [A, B]);
  assert.deepEqual(found.slice(1), [
    { said: `${OLDER} for /a`, path: '/one/bin/python' },
    { said: `${OLDER} for /b`, path: '/two/bin/python' },
  ]);
});

test('without a folder what is chosen for all is told', async () => {
  const [, found] = await choices(installed({ [PYTHON]: python({ '': '/global' }) }), []);
  assert.deepEqual(found, { said: OLDER, path: '/global/bin/python' });
});

test('one that fails, or never answers, is told and does not keep the other from answering', async () => {
  const failing: Activation = (id) => (id === ENVS ? () => Promise.reject(new Error('it broke')) : async () => python({ '/a': '/env' }));
  assert.deepEqual(await choices(failing, [A]), [{ said: NEWER, problem: 'it broke' }, { said: OLDER, path: '/env/bin/python' }]);
  const silent: Activation = (id) => (id === ENVS ? () => new Promise(() => undefined) : async () => python({ '/a': '/env' }));
  assert.deepEqual(await choices(silent, [A], 0.02), [
    { said: NEWER, problem: 'that extension did not answer within 0.02 seconds' },
    { said: OLDER, path: '/env/bin/python' },
  ]);
});

test('a change in either is heard, until it is no longer listened to', async () => {
  const [newer, older] = [new Changes(), new Changes()];
  let heard = 0;
  const listening = await listen(installed({ [ENVS]: environments({}, newer), [PYTHON]: python({}, older) }), () => (heard += 1));
  for (const changes of [newer, older]) for (const listener of changes.listeners) listener({});
  assert.equal(heard, 2);
  for (const each of listening) each.dispose();
  assert.equal(newer.listeners.size + older.listeners.size, 0);
  assert.deepEqual(await listen(installed({ [ENVS]: undefined }), () => undefined), []);
});
