// Which Python the user chose in the extensions that manage environments. None of them is needed, and one
// that can't tell is said to. Nothing here imports VS Code.

/** What is read of VS Code's `Uri`. */
export interface Place {
  readonly fsPath: string;
}

interface Listening {
  dispose(): unknown;
}
type Event<Given> = (listener: (given: Given) => unknown) => Listening;

/** What is read of what `ms-python.vscode-python-envs` exports; nothing is exported where it is switched off. */
export interface PythonEnvironments {
  getEnvironment(scope: Place | undefined): Promise<ManagedEnvironment | undefined>;
  resolveEnvironment(environment: ManagedEnvironment): Promise<ManagedEnvironment | undefined>;
  onDidChangeEnvironment: Event<unknown>;
}
interface ManagedEnvironment {
  readonly environmentPath: Place;
  readonly execInfo?: { readonly run: { readonly executable: string } };
  readonly error?: string;
}

/** What is read of what `ms-python.python` exports. */
export interface PythonExtension {
  readonly environments: {
    getActiveEnvironmentPath(resource: Place | undefined): { readonly path: string };
    resolveEnvironment(chosen: { readonly path: string }): Promise<{ readonly executable: { readonly uri?: Place | undefined } } | undefined>;
    onDidChangeActiveEnvironmentPath: Event<unknown>;
  };
}

/** A choice in words, with the Python or its environment, or why there is none. */
export type Chosen = { said: string; path: string } | { said: string; problem: string };

interface Manager {
  readonly id: string;
  readonly said: string;
  /** The Python for a folder; an Error whose message says why there is none. */
  python(api: unknown, folder: Place | undefined): Promise<string>;
  onChange(api: unknown, changed: () => void): Listening;
}

// The newer one first: the older leaves the choice to it where both are there.
export const MANAGERS: readonly Manager[] = [
  {
    id: 'ms-python.vscode-python-envs',
    said: 'the environment of Python Environments',
    python: async (api, folder) => managed(api as PythonEnvironments, folder),
    onChange: (api, changed) => (api as PythonEnvironments).onDidChangeEnvironment(changed),
  },
  {
    id: 'ms-python.python',
    said: 'the environment of the Python extension',
    python: async (api, folder) => active(api as PythonExtension, folder),
    onChange: (api, changed) => (api as PythonExtension).environments.onDidChangeActiveEnvironmentPath(changed),
  },
];
export const NONE_CHOSEN = 'none is chosen';
const SECONDS = 15;

/** How an extension of an id is activated, whose promise has what it exports; undefined where it is not installed. */
export type Activation = (id: string) => (() => PromiseLike<unknown>) | undefined;

/** What each manager has chosen for each folder, in their order; each Python once. */
export async function choices(activation: Activation, folders: readonly Place[], seconds = SECONDS): Promise<Chosen[]> {
  const places = folders.length === 0 ? [undefined] : folders;
  const asked = MANAGERS.map(async (manager): Promise<Chosen[]> => {
    const activate = activation(manager.id);
    if (activate === undefined) return [{ said: manager.said, problem: 'that extension is not installed' }];
    const all = places.map(async (folder): Promise<Chosen> => {
      const said = places.length > 1 && folder !== undefined ? `${manager.said} for ${folder.fsPath}` : manager.said;
      try {
        const found = within(seconds, exported(activate).then((api) => manager.python(api, folder)));
        return { said, path: await found };
      } catch (error) {
        return { said, problem: error instanceof Error ? error.message : String(error) };
      }
    });
    return Promise.all(all);
  });
  const told = (await Promise.all(asked)).flat();
  return told.filter((each, at) => !('path' in each) || told.findIndex((other) => 'path' in other && other.path === each.path) === at);
}

/** Calls back at each change of a choice. */
export async function listen(activation: Activation, changed: () => void): Promise<Listening[]> {
  const all = MANAGERS.map(async (manager): Promise<Listening[]> => {
    const activate = activation(manager.id);
    if (activate === undefined) return [];
    try {
      return [manager.onChange(await exported(activate), changed)];
    } catch {
      return []; // its choice is told to be none, with the reason
    }
  });
  return (await Promise.all(all)).flat();
}

async function exported(activate: () => PromiseLike<unknown>): Promise<unknown> {
  const api = await activate();
  if (api === undefined || api === null) throw new Error('that extension is switched off');
  return api;
}

async function managed(api: PythonEnvironments, folder: Place | undefined): Promise<string> {
  const chosen = await api.getEnvironment(folder);
  if (chosen === undefined) throw new Error(NONE_CHOSEN);
  if (chosen.error !== undefined) throw new Error(`it is broken: ${chosen.error}`);
  const known = chosen.execInfo === undefined ? ((await api.resolveEnvironment(chosen)) ?? chosen) : chosen;
  const executable = known.execInfo?.run.executable ?? '';
  // One that is only a name would be looked for on the path, where another may be found.
  return /[\\/]/.test(executable) ? executable : known.environmentPath.fsPath;
}

async function active({ environments }: PythonExtension, folder: Place | undefined): Promise<string> {
  const chosen = environments.getActiveEnvironmentPath(folder);
  const resolved = await environments.resolveEnvironment(chosen);
  if (resolved === undefined) throw new Error(chosen.path === '' ? NONE_CHOSEN : `${chosen.path} is no Python`);
  if (resolved.executable.uri === undefined) throw new Error(`no Python is in ${chosen.path}`);
  return resolved.executable.uri.fsPath;
}

/** What a promise brings, or an Error when it takes too long. */
async function within<Value>(seconds: number, promise: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`that extension did not answer within ${seconds} seconds`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
