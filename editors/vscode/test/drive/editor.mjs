// code-server with the built extension, and its windows in Chromium. All of it has a home of its own and is gone at the end.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

const SECONDS_TO_START = 90;

/** What the user's settings say, so that nothing but the extension is in the way. */
const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Default Light Modern',
  'security.workspace.trust.startupPrompt': 'never',
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'window.restoreWindows': 'none',
  'editor.minimap.enabled': false,
  'editor.fontFamily': 'DejaVu Sans Mono',
  'files.autoSave': 'off',
};

/** One installation of the extension; `open` makes windows. */
export class Editor {
  /** `tools` is the folder of `install.sh`, `out` the one for screenshots and logs. */
  constructor({ tools, chromium, python, out }) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'qvr-code-'));
    this.out = out;
    this.python = python;
    this.tools = tools;
    const modules = path.join(tools, 'node_modules');
    this.node = readdirSync(modules).map((each) => path.join(modules, each, 'bin/node')).find((each) => each.includes('/node-linux-') && existsSync(each));
    if (this.node === undefined) throw new Error(`no Node for code-server is in ${modules}`);
    this.entry = path.join(modules, 'code-server/out/node/entry.js');
    this.chromium = chromium;
    this.servers = new Set();
    this.bin = path.join(this.folder, 'bin');
    for (const each of ['home', 'bin']) mkdirSync(path.join(this.folder, each));
    // A Python on the path that has no qvr, whatever this machine has.
    const bare = execFileSync(python, ['-c', 'import sys; print(sys._base_executable)'], { encoding: 'utf8' }).trim();
    writeFileSync(path.join(this.bin, 'python3'), `#!/bin/sh\nexec '${bare}' "$@"\n`);
    chmodSync(path.join(this.bin, 'python3'), 0o755);
    // The editor takes its path from a login shell, whose own profile would set another one.
    writeFileSync(path.join(this.folder, 'home', '.profile'), `export PATH='${this.environment().PATH}'\n`);
  }

  async start() {
    const { chromium } = createRequire(path.join(this.tools, 'package.json'))('playwright-core');
    const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
    this.browser = await chromium.launch({ executablePath: this.chromium, args: ['--no-sandbox', ...quiet], headless: true });
  }

  /** Installs the extension as `code --install-extension` does; what is installed then. */
  install(vsix) {
    const options = { env: this.environment(), encoding: 'utf8', timeout: 120_000 };
    const user = path.join(this.folder, 'user-install');
    execFileSync(this.node, this.command(user, ['--install-extension', vsix]), options);
    return execFileSync(this.node, this.command(user, ['--list-extensions', '--show-versions']), options).trim();
  }

  /** A window on a folder with `files`, or on none. `settings` are the user's, `machine` those of the machine's scope. */
  async open(name, { settings = {}, machine = {}, files = {}, environment = {}, trust = true, empty = false } = {}) {
    const workspace = path.join(this.folder, name);
    mkdirSync(workspace, { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
      writeFileSync(path.join(workspace, file), text);
    }
    const user = path.join(this.folder, `user-${name}`);
    for (const each of ['User', 'Machine']) mkdirSync(path.join(user, each), { recursive: true });
    const all = { ...QUIET, 'security.workspace.trust.enabled': !trust, ...settings };
    writeFileSync(path.join(user, 'User', 'settings.json'), JSON.stringify(all));
    // Settings of the machine's scope are read from here where the editor is remote.
    writeFileSync(path.join(user, 'Machine', 'settings.json'), JSON.stringify(machine));
    const { address, server } = await this.serve(user, environment);
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 900 } });
    const told = [];
    page.on('console', (each) => ['error', 'warning'].includes(each.type()) && told.push(`${each.type()}: ${each.text()}`));
    page.on('pageerror', (error) => told.push(`uncaught: ${error.message}`));
    page.setDefaultTimeout(25_000);
    await page.addInitScript(countPresses);
    await page.goto(empty ? `${address}?ew=true` : `${address}?folder=${encodeURIComponent(workspace)}`, { timeout: SECONDS_TO_START * 1000 });
    await page.waitForSelector('.monaco-workbench', { timeout: SECONDS_TO_START * 1000 });
    if (!empty) await page.waitForSelector('.explorer-folders-view .monaco-list-row', { timeout: 60_000 });
    return {
      page,
      workspace,
      /** The process of this window's language server, if one runs. */
      languageServer: () => descendants(server.pid).find((pid) => commandLine(pid).includes('qvr_server')),
      /** The processes that a command of this window started: those whose command line has a word. */
      processes: (word) => descendants(server.pid).filter((pid) => commandLine(pid).split(' ').includes(word)),
      set(changed) {
        mkdirSync(path.join(workspace, '.vscode'), { recursive: true });
        writeFileSync(path.join(workspace, '.vscode', 'settings.json'), JSON.stringify(changed));
      },
      /** What the page's console, the extension and code-server have said. */
      log: () => [...told, ...channels(path.join(user, 'logs'))].join('\n'),
      close: async () => {
        await page.close();
        await this.end(server);
      },
    };
  }

  /** Ends everything that was started. */
  async close() {
    await this.browser?.close().catch(() => undefined);
    for (const each of this.servers) await this.end(each);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async serve(user, environment) {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}/`;
    const options = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'];
    const server = spawn(this.node, this.command(user, options), { env: { ...this.environment(), ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.servers.add(server);
    let log = '';
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => (log += data));
    const end = Date.now() + SECONDS_TO_START * 1000;
    while (!(await fetch(`${address}healthz`).catch(() => undefined))?.ok) {
      if (Date.now() > end || server.exitCode !== null) throw new Error(`code-server did not start: ${log}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return { address, server };
  }

  command(user, given) {
    return [this.entry, '--user-data-dir', user, '--extensions-dir', path.join(this.folder, 'extensions'), '--config', path.join(this.folder, 'none.yaml'), ...given];
  }

  /** Nothing of the caller's home or path, which may have a qvr. */
  environment() {
    return {
      HOME: path.join(this.folder, 'home'),
      PATH: [this.bin, path.dirname(this.node), '/usr/bin', '/bin'].join(path.delimiter),
      SHELL: '/bin/sh',
      LANG: 'C.UTF-8',
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
    };
  }

  async end(server) {
    if (!this.servers.delete(server) || server.exitCode !== null) return;
    const all = descendants(server.pid);
    server.kill('SIGTERM');
    const gone = new Promise((resolve) => server.once('exit', resolve));
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 5000))]);
    for (const each of [server.pid, ...all]) {
      try {
        process.kill(each, 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
  }

}

/** Runs in the page: what the user presses is counted, in the window itself and not in frames. */
function countPresses() {
  if (window !== window.top) return;
  window.presses = { clicks: 0, keys: 0 };
  const count = (event, kind) => event.isTrusted && (window.presses[kind] += 1);
  addEventListener('mousedown', (event) => count(event, 'clicks'), true);
  addEventListener('keydown', (event) => count(event, 'keys'), true);
}

async function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The processes below one, read from /proc. */
export function descendants(pid) {
  const parents = new Map();
  for (const each of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const state = readFileSync(`/proc/${each}/stat`, 'utf8');
      parents.set(Number(each), Number(state.slice(state.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // it ended meanwhile
    }
  }
  const found = [pid];
  for (const parent of found) found.push(...[...parents].filter(([, above]) => above === parent).map(([child]) => child));
  return found.slice(1);
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** The output channels of the extension, as VS Code keeps them. */
function channels(folder) {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true }).filter((each) => /qvr[^/]*\/.*\.log$/i.test(each));
  return files.flatMap((each) => [`--- ${path.basename(each)}`, readFileSync(path.join(folder, each), 'utf8').slice(-4000)]);
}

/** Packages of one environment within another, but for some, so that pip finds them installed. */
export function lend(from, to, isOurs) {
  for (const each of readdirSync(from)) {
    if (!isOurs(each) && !existsSync(path.join(to, each))) execFileSync('ln', ['-s', path.join(from, each), path.join(to, each)]);
  }
}

