// The language server: found, started, restarted, and what is known of it.

import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import {
  type ClientCapabilities,
  CloseAction,
  type ConfigurationParams,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type StaticFeature,
  type DynamicFeature,
  State,
} from 'vscode-languageclient/node';
import { type Discovery, type Surroundings, discover, told } from './discovery';
import * as probe from './probe';
import { chosenPythons } from './python';
import { show } from './report';

export const SELECTOR = [
  { scheme: 'file', language: 'qvr' },
  { scheme: 'untitled', language: 'qvr' },
  { scheme: 'vscode-notebook-cell', language: 'qvr' },
];
const ONLY_OURS = new Set(['path', 'trace']);
const MOST_RESTARTS = 4;
const MINUTES_OF_RESTARTS = 3;

export type ServerState = 'stopped' | 'searching' | 'missing' | 'starting' | 'running' | 'failed';

/** The client that leaves the server's commands to the extension, which has them at all times. */
class Client extends LanguageClient {
  // Declared here since the library's own feature would register each command a second time.
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const type = (feature as Partial<DynamicFeature<unknown>>).registrationType;
    if (type?.method === ExecuteCommandRequest.method) {
      super.registerFeature({
        fillClientCapabilities(capabilities: ClientCapabilities) {
          (capabilities.workspace ??= {}).executeCommand = { dynamicRegistration: false };
        },
        initialize() {},
        getState: () => ({ kind: 'static' }),
        clear() {},
      });
    } else {
      super.registerFeature(feature);
    }
  }
}

export class Server implements vscode.Disposable {
  readonly output = vscode.window.createOutputChannel('QVR', { log: true });
  readonly trace = vscode.window.createOutputChannel('QVR Trace', { log: true });
  private readonly changes = new vscode.EventEmitter<void>();
  private readonly asks = new vscode.EventEmitter<vscode.Uri>();
  /** The server's state, or what was found, has changed. */
  readonly onChange = this.changes.event;
  /** Lenses were asked for anew, which a new result, a stale one and an edit have in common. */
  readonly onLenses = this.asks.event;

  state: ServerState = 'stopped';
  discovery: Discovery | undefined;
  problem: string | undefined;
  private client: Client | undefined;
  private restarts: number[] = [];
  /** Where the last search looked. */
  private places = '';
  private turn: Promise<void> = Promise.resolve();

  /** `folder` holds nothing that a Python could import. */
  constructor(private readonly folder: string) {}

  /** Look for a server anew and start it, instead of one that runs. */
  restart(): Promise<void> {
    this.turn = this.turn.then(() => this.start()).catch((error: unknown) => this.failed(error));
    return this.turn;
  }

  /** Start anew where another server would be found than the one that was: what runs is not lost for nothing. */
  async lookAgain(): Promise<boolean> {
    await this.turn;
    const before = this.places;
    if (before === places(await surroundings())) return false;
    await this.restart();
    return true;
  }

  /** The client of a running server; an Error says why there is none. */
  running(): LanguageClient {
    if (this.client?.isRunning() === true) return this.client;
    const reasons: Record<ServerState, string> = {
      stopped: 'the server was stopped; QVR: Restart Server starts it',
      searching: 'a server is still being looked for',
      missing: 'no Python with qvr was found',
      starting: 'the server is still starting',
      running: 'the server has just ended and is being restarted',
      failed: `the server could not be started: ${this.problem}`,
    };
    throw new Error(`QVR can't do that now: ${reasons[this.state]}.`);
  }

  /** One of the server's commands, with its answer. */
  async command<Answer>(
    name: string,
    argument?: object,
    workDoneToken?: string,
    cancellation?: vscode.CancellationToken,
  ): Promise<Answer> {
    const params = {
      command: name,
      ...(argument === undefined ? {} : { arguments: [argument] }),
      ...(workDoneToken === undefined ? {} : { workDoneToken }),
    };
    return (await this.running().sendRequest(ExecuteCommandRequest.type, params, cancellation)) as Answer;
  }

  async dispose(): Promise<void> {
    await this.turn;
    await this.stop();
    for (const each of [this.output, this.trace, this.changes, this.asks]) each.dispose();
  }

  private async start(): Promise<void> {
    await this.stop();
    this.become('searching');
    this.discovery = await this.discovered();
    for (const line of told(this.discovery)) this.output.info(line);
    const { won } = this.discovery;
    if (won === undefined) {
      this.become('missing');
      return;
    }
    this.become('starting');
    const executable = {
      command: won.command,
      args: [...won.arguments, '--stdio'],
      options: { cwd: this.folder, env: probe.environment() },
    };
    const client = new Client('qvr', 'QVR', executable, this.options());
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) return;
      if (newState === State.Running) this.become('running');
      else if (newState === State.Starting) this.become('starting');
      else if (this.state === 'running') this.become('stopped');
    });
    await client.start();
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.needsStop() === true) {
      // One that does not answer is left to end with its input.
      await client.stop(3000).catch((error: unknown) => this.output.warn(`The server did not end in time: ${String(error)}`));
    }
    await client?.dispose().catch(() => undefined);
    this.become('stopped');
  }

  private failed(error: unknown): void {
    this.problem = error instanceof Error ? error.message : String(error);
    this.output.error(this.problem);
    this.become('failed');
  }

  private become(state: ServerState): void {
    this.state = state;
    void vscode.commands.executeCommand('setContext', 'qvr.ready', state === 'running');
    this.changes.fire();
  }

  private async discovered(): Promise<Discovery> {
    const around = await surroundings();
    this.places = places(around);
    return discover(around, (candidate) => probe.version(candidate, this.folder));
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: SELECTOR,
      outputChannel: this.output,
      traceOutputChannel: this.trace,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: { ...settings(), trusted: vscode.workspace.isTrusted },
      synchronize: { configurationSection: 'qvr' },
      markdown: { isTrusted: false, supportHtml: false },
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue }),
        closed: () => this.closed(),
      },
      middleware: {
        provideCodeLenses: (document, token, next) => {
          this.asks.fire(document.uri);
          return next(document, token);
        },
        window: {
          showDocument: (params, token, next) => show(params, () => next(params, token)),
        },
        workspace: {
          configuration: async (params: ConfigurationParams, token, next) => {
            const found = await next(params, token);
            return Array.isArray(found) ? found.map(serversOwn) : found;
          },
        },
      },
    };
  }

  /** The server went away by itself: another one, and one message; after a few times in a row none. */
  private closed(): { action: CloseAction; message?: string; handled?: boolean } {
    const now = Date.now();
    this.restarts = [...this.restarts.filter((time) => now - time < MINUTES_OF_RESTARTS * 60_000), now];
    if (this.restarts.length > MOST_RESTARTS) {
      this.problem = `it ended ${this.restarts.length} times in ${MINUTES_OF_RESTARTS} minutes`;
      this.become('failed');
      const message = `The QVR server ended ${this.restarts.length} times in ${MINUTES_OF_RESTARTS} minutes and is not started again.`;
      void this.offer(message, 'Restart Server', 'qvr.restartServer');
      return { action: CloseAction.DoNotRestart, handled: true };
    }
    if (this.restarts.length === 1) {
      void this.offer('The QVR server ended by itself and was started again. Results of runs are gone; the panel keeps the last one.');
    }
    return { action: CloseAction.Restart, handled: true };
  }

  private async offer(message: string, title?: string, command?: string): Promise<void> {
    const titles = title === undefined ? [] : [title];
    const chosen = await vscode.window.showWarningMessage(message, ...titles, 'Show Output');
    if (chosen === 'Show Output') this.output.show();
    else if (chosen !== undefined && command !== undefined) await vscode.commands.executeCommand(command);
  }
}

async function surroundings(): Promise<Surroundings> {
  const setting = vscode.workspace.getConfiguration('qvr').get<string>('path', '');
  return {
    setting,
    // Managers are not started for what they will not be asked.
    chosen: setting.trim() === '' ? await chosenPythons() : [],
    folders: (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === 'file')
      .map((folder) => folder.uri.fsPath),
    path: (process.env['PATH'] ?? '').split(path.delimiter),
    home: homedir(),
    windows: process.platform === 'win32',
    trusted: vscode.workspace.isTrusted,
    isFile: (file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false,
    isFolder: (file) => statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false,
    real: (file) => {
      try {
        return realpathSync(file);
      } catch {
        return file;
      }
    },
  };
}

/** What a search depends on, to be compared. */
function places({ setting, chosen, folders, trusted }: Surroundings): string {
  return JSON.stringify([setting, chosen, folders, trusted]);
}

function settings(): object {
  const section: unknown = JSON.parse(JSON.stringify(vscode.workspace.getConfiguration('qvr')));
  return serversOwn(section) as object;
}

/** A section of settings without those that are the extension's. */
function serversOwn(section: unknown): unknown {
  if (typeof section !== 'object' || section === null) return section;
  return Object.fromEntries(Object.entries(section).filter(([name]) => !ONLY_OURS.has(name)));
}
