// The item at the bottom: how the server, its worker and the runs are, and which Python it is.

import * as vscode from 'vscode';
import type { DebugInfo } from './answers';
import { told } from './discovery';
import type { Runs } from './runs';
import type { Server, ServerState } from './server';

const IN_WORDS: Record<ServerState, string> = {
  stopped: 'Stopped',
  searching: 'Looking for a Python with qvr',
  missing: 'No Python with qvr was found',
  starting: 'Starting',
  running: 'Running',
  failed: 'Failed',
};
const ICONS: Record<ServerState, string> = {
  stopped: '$(circle-slash)',
  searching: '$(sync~spin)',
  missing: '$(warning)',
  starting: '$(sync~spin)',
  running: '$(check)',
  failed: '$(error)',
};

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('qvr.status', vscode.StatusBarAlignment.Right, 90);
  private readonly listening: vscode.Disposable[];
  private worker: string | undefined;

  constructor(
    private readonly server: Server,
    private readonly runs: Runs,
  ) {
    this.item.name = 'QVR';
    this.item.command = 'qvr.showStatus';
    this.listening = [
      server.onChange(() => {
        this.worker = undefined;
        this.show();
        if (server.state === 'running') void this.askOfWorker();
      }),
      runs.onEvent((event) => {
        this.show();
        if (event.kind !== 'moved') void this.askOfWorker();
      }),
      vscode.window.onDidChangeActiveTextEditor(() => this.show()),
    ];
    this.show();
  }

  dispose(): void {
    for (const each of [this.item, ...this.listening]) each.dispose();
  }

  /** Everything that is known, and everything that can be done about it. */
  async menu(): Promise<void> {
    await this.askOfWorker();
    const running = this.runs.running.length > 0;
    const entries: (vscode.QuickPickItem & { command?: string; argument?: object })[] = [
      { label: `Server: ${this.serverInWords()}`, kind: vscode.QuickPickItemKind.Separator },
      ...(this.server.discovery === undefined ? [] : told(this.server.discovery).map((label) => ({ label, command: 'qvr.showInterpreters' }))),
      { label: `Worker: ${this.worker ?? 'not started'}`, kind: vscode.QuickPickItemKind.Separator },
      ...(running ? [{ label: '$(debug-stop) Stop all runs', command: 'qvr.cancelRun', argument: {} }] : []),
      { label: '$(refresh) Restart server', command: 'qvr.restartServer' },
      ...(this.server.state === 'running' && vscode.workspace.isTrusted ? [{ label: '$(refresh) Restart worker', command: 'qvr.restartWorker' }] : []),
      { label: '$(list-selection) Select Python or server', command: 'qvr.selectServer' },
      ...(this.server.state === 'missing' && vscode.workspace.isTrusted ? [{ label: '$(cloud-download) Install QVR', command: 'qvr.installServer' }] : []),
      ...(vscode.workspace.isTrusted ? [] : [{ label: '$(shield) Manage workspace trust', command: 'workbench.trust.manage' }]),
      { label: '$(output) Show output', command: 'qvr.showOutput' },
      { label: '$(info) Show debug information', command: 'qvr.debugInfo' },
    ];
    const chosen = await vscode.window.showQuickPick(entries, { title: 'QVR', placeHolder: this.serverInWords() });
    if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command, ...(chosen.argument === undefined ? [] : [chosen.argument]));
  }

  private serverInWords(): string {
    const { state, problem, discovery } = this.server;
    if (state === 'failed' && problem !== undefined) return `Failed: ${problem}`;
    const trust = vscode.workspace.isTrusted ? '' : ', not trusted: nothing runs';
    return state === 'running' ? `${discovery?.version ?? ''} from ${discovery?.won?.said ?? ''}${trust}` : IN_WORDS[state];
  }

  private async askOfWorker(): Promise<void> {
    if (this.server.state !== 'running') return;
    try {
      const { worker } = await this.server.command<DebugInfo>('qvr.debugInfo');
      const memory = worker.memory === null ? '' : `, ${Math.round(worker.memory / 2 ** 20)} MiB`;
      this.worker = `${worker.state}${worker.pid === null ? '' : ` (process ${worker.pid}${memory})`}`;
    } catch {
      this.worker = undefined; // the server is just ending, and tells of it itself
    }
    this.show();
  }

  private show(): void {
    const { state } = this.server;
    const [run] = this.runs.running;
    const isTrusted = vscode.workspace.isTrusted;
    this.item.text = run === undefined ? `${isTrusted || state !== 'running' ? ICONS[state] : '$(shield)'} QVR` : `$(sync~spin) QVR ${run.percentage} %`;
    const about = run === undefined ? '' : `, sampling ${run.program ?? 'a model'}, ${run.percentage} per cent`;
    this.item.accessibilityInformation = { label: `QVR: ${this.serverInWords()}${about}`, role: 'button' };
    const tooltip = new vscode.MarkdownString(undefined, true);
    tooltip.appendMarkdown('**QVR** ').appendText(`${this.serverInWords()}\n\n`);
    if (this.worker !== undefined) tooltip.appendMarkdown('\n\n**Worker** ').appendText(this.worker);
    for (const each of this.runs.running) tooltip.appendMarkdown('\n\n**Run** ').appendText(`${each.program ?? each.uri}: ${each.percentage} %`);
    this.item.tooltip = tooltip;
    const isBad = state === 'missing' || state === 'failed';
    this.item.backgroundColor = isBad ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    const isWanted = vscode.window.activeTextEditor?.document.languageId === 'qvr' || this.runs.running.length > 0;
    if (isWanted) this.item.show();
    else this.item.hide();
  }
}
