// The test explorer's entries: one for each program of each model, which simulation-based calibration checks.
//
// A check is a process of its own, `qvr sbc`, not a request to the server's worker: it takes both cores for a while and
// must not hold up a run, and cancelling it is ending the process.

import { spawn } from 'node:child_process';
import * as vscode from 'vscode';
import { type Message, type Outcome, callOf, outcomeOf } from './calibration';
import { environment } from './probe';
import type { Server } from './server';

const PAUSE_OF_TYPING = 800; // milliseconds
const MOST_FILES = 500;
// A server that has just started may not be asked for outlines yet, or not know the file.
const MOST_LOOKS = 5;
const FIRST_PAUSE = 300; // milliseconds, then twice as long each time
const PROGRAM = /^[ \t]*program[ \t]/m;

/** In a workspace that is not trusted there are no entries, since a check runs the model. */
export class Calibrations implements vscode.Disposable {
  private readonly own: vscode.Disposable[] = [];
  private controller: vscode.TestController | undefined;
  private readonly waiting = new Map<string, NodeJS.Timeout>();

  /** A check runs in `folder`, which holds nothing that a Python could import. */
  constructor(private readonly server: Server, private readonly folder: string) {
    if (vscode.workspace.isTrusted) this.begin();
    else this.own.push(vscode.workspace.onDidGrantWorkspaceTrust(() => this.begin()));
  }

  dispose(): void {
    for (const timer of this.waiting.values()) clearTimeout(timer);
    for (const each of this.own) each.dispose();
  }

  private begin(): void {
    const controller = vscode.tests.createTestController('qvr.calibrations', 'QVR');
    this.controller = controller;
    controller.resolveHandler = (item) => (item === undefined ? this.files() : this.programs(item));
    controller.refreshHandler = () => this.files();
    controller.createRunProfile('Calibrate', vscode.TestRunProfileKind.Run, (request, token) => this.run(request, token), true);
    const watcher = vscode.workspace.createFileSystemWatcher('**/*.qvr');
    let wasRunning = this.server.state === 'running';
    this.own.push(
      controller,
      watcher,
      watcher.onDidCreate((uri) => this.file(uri)),
      watcher.onDidDelete((uri) => controller.items.delete(uri.toString())),
      watcher.onDidChange((uri) => this.soon(uri)),
      vscode.workspace.onDidOpenTextDocument((document) => this.opened(document)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (isModel(document)) this.soon(document.uri);
      }),
      this.server.onChange(() => {
        const isRunning = this.server.state === 'running';
        if (isRunning && !wasRunning) vscode.workspace.textDocuments.forEach((each) => this.opened(each));
        wasRunning = isRunning;
      }),
    );
    vscode.workspace.textDocuments.forEach((each) => this.opened(each));
  }

  // ------------------------------------------------------------------------------ the entries

  private async files(): Promise<void> {
    const found = await vscode.workspace.findFiles('**/*.qvr', undefined, MOST_FILES);
    for (const uri of found) this.file(uri);
  }

  private file(uri: vscode.Uri): vscode.TestItem | undefined {
    const known = this.controller?.items.get(uri.toString());
    if (known !== undefined || this.controller === undefined) return known;
    const item = this.controller.createTestItem(uri.toString(), vscode.workspace.asRelativePath(uri), uri);
    item.canResolveChildren = true;
    this.controller.items.add(item);
    return item;
  }

  private opened(document: vscode.TextDocument): void {
    if (!isModel(document)) return;
    this.file(document.uri);
    if (this.server.state === 'running') this.soon(document.uri, 0);
  }

  /** The programs of a file anew, once its typing rests. */
  private soon(uri: vscode.Uri, pause = PAUSE_OF_TYPING, looks = 0): void {
    const key = uri.toString();
    clearTimeout(this.waiting.get(key));
    const look = (): void => {
      this.waiting.delete(key);
      const item = this.file(uri);
      if (item !== undefined) void this.programs(item, looks);
    };
    this.waiting.set(key, setTimeout(look, pause));
  }

  /** The programs of a file by the server's outline. While the server has none, the last ones stay. */
  private async programs(item: vscode.TestItem, looks = 0): Promise<void> {
    const { uri } = item;
    if (uri === undefined || item.parent !== undefined || this.controller === undefined) return;
    item.busy = true;
    try {
      // The outline is asked for by way of the editor, which opens a file that is in no tab.
      const document = await vscode.workspace.openTextDocument(uri);
      const found = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>('vscode.executeDocumentSymbolProvider', uri);
      const programs = (found ?? []).filter((each) => each.kind === vscode.SymbolKind.Function);
      if (programs.length === 0 && looks < MOST_LOOKS && PROGRAM.test(document.getText())) {
        this.soon(uri, FIRST_PAUSE * 2 ** looks, looks + 1);
        return;
      }
      if (found === undefined) return;
      const items = programs.map((each) => {
        const id = `${uri.toString()}#${each.name}`;
        const child = item.children.get(id) ?? this.controller!.createTestItem(id, each.name, uri);
        child.range = each.selectionRange;
        child.description = each.detail;
        return child;
      });
      item.children.replace(items);
    } catch (error) {
      this.server.output.warn(`The programs of ${uri.fsPath} are not known: ${String(error)}`);
    } finally {
      item.busy = false;
    }
  }

  // ------------------------------------------------------------------------------ a check

  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    if (this.controller === undefined) return;
    const chosen = await this.chosen(request);
    const run = this.controller.createTestRun(request);
    chosen.forEach((item) => run.enqueued(item));
    for (const item of chosen) {
      if (token.isCancellationRequested) run.skipped(item);
      else await this.check(item, run, token);
    }
    run.end();
  }

  private async chosen(request: vscode.TestRunRequest): Promise<vscode.TestItem[]> {
    const asked: vscode.TestItem[] = [];
    if (request.include === undefined) this.controller?.items.forEach((item) => asked.push(item));
    else asked.push(...request.include);
    const found: vscode.TestItem[] = [];
    for (const item of asked) {
      if (item.parent !== undefined) {
        found.push(item);
        continue;
      }
      if (item.children.size === 0) await this.programs(item);
      item.children.forEach((child) => found.push(child));
    }
    const left = new Set(request.exclude ?? []);
    return found.filter((item) => !left.has(item) && !(item.parent !== undefined && left.has(item.parent)));
  }

  private async check(item: vscode.TestItem, run: vscode.TestRun, token: vscode.CancellationToken): Promise<void> {
    const { uri } = item;
    const won = this.server.discovery?.won;
    run.started(item);
    if (uri === undefined || won === undefined) {
      run.errored(item, new vscode.TestMessage('No Python with qvr was found; QVR: Show Status tells where it was looked for.'));
      return;
    }
    const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString());
    if (document?.isDirty === true) await document.save(); // what is checked is the file
    const began = Date.now();
    const ended = await this.process(callOf(won, uri.fsPath, item.label), item, run, token);
    if (ended === undefined) {
      run.skipped(item);
      return;
    }
    for (const line of ended.lines) run.appendOutput(`${line}\r\n`, undefined, item);
    const messages = ended.messages.map((each) => message(each, item, uri));
    const duration = Date.now() - began;
    if (ended.kind === 'passed') run.passed(item, duration);
    else if (ended.kind === 'failed') run.failed(item, messages, duration);
    else run.errored(item, messages, duration);
  }

  /** Runs a check to its end, its progress going to the output; undefined where it was cancelled. */
  private process(
    call: { command: string; arguments: string[] },
    item: vscode.TestItem,
    run: vscode.TestRun,
    token: vscode.CancellationToken,
  ): Promise<Outcome | undefined> {
    return new Promise((resolve) => {
      const options = { cwd: this.folder, env: { ...environment(), NO_COLOR: '1' }, windowsHide: true };
      const child = spawn(call.command, call.arguments, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      let complaints = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaints = (complaints + text).slice(-4000);
        run.appendOutput(text.replace(/\r?\n/g, '\r\n'), undefined, item);
      });
      const cancelled = token.onCancellationRequested(() => child.kill());
      const end = (outcome: Outcome | undefined): void => {
        cancelled.dispose();
        resolve(outcome);
      };
      child.on('error', (error) => end({ kind: 'errored', messages: [{ text: `qvr could not be started: ${error.message}`, range: null }], lines: [] }));
      child.on('close', () => end(token.isCancellationRequested ? undefined : outcomeOf(output, complaints)));
    });
  }
}

function isModel(document: vscode.TextDocument): boolean {
  return document.languageId === 'qvr' && document.uri.scheme === 'file';
}

/** A message at the line of the site that it is about; at the program's without one. */
function message({ text, range }: Message, item: vscode.TestItem, uri: vscode.Uri): vscode.TestMessage {
  const said = new vscode.TestMessage(text);
  const at = range === null
    ? item.range
    : new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
  if (at !== undefined) said.location = new vscode.Location(uri, at);
  return said;
}
