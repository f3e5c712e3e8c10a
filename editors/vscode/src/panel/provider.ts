// The posterior's view in VS Code: it follows the cursor and the runs, and its last state survives a reload.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { type LastResult, type TraceAnswer, refusal, sentence } from '../answers';
import type { RunEvent, Runs } from '../runs';
import type { Server } from '../server';
import { placeOf, subjectAt } from './follow';
import type { FromView, Order, Place, Shown, ToView, Trace } from './messages';
import { FIRST_LOOK, indexOf, type Known, type Look, MOST_ELEMENTS, shown, type Subject } from './state';

export const VIEW = 'qvr.posterior';
const KEPT = 'qvr.posterior.kept';
const MILLISECONDS_AFTER_MOVE = 60;
const MILLISECONDS_AFTER_EDIT = 250;
const MILLISECONDS_BETWEEN_STEPS = 250; // of a run under way
const MILLISECONDS_BETWEEN_TRACES = 1000; // of a run under way
const MOST_KEPT = 400_000; // characters; larger results are not kept over a reload

interface Kept {
  subject: Subject;
  last: LastResult;
  chosen?: number;
  order?: Order;
  trace?: Traced;
}

/** A trace with what it is of: a number of a site, and the run. */
interface Traced {
  identity: string;
  trace: Trace;
}

export class PosteriorView implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private subject: Subject | undefined;
  private last: Shown | null = null;
  private readonly known = new Map<string, Known>();
  private readonly listening: vscode.Disposable[];
  private looking: vscode.CancellationTokenSource | undefined;
  private timer: NodeJS.Timeout | undefined;
  private showing: NodeJS.Timeout | undefined;
  private readonly chosen = new Map<string, number>(); // by program and site
  private order: Order = FIRST_LOOK.order;
  private most = MOST_ELEMENTS;
  private traced: Traced | undefined;
  private tracing: string | undefined; // what is asked for now
  private tracedAt = 0;
  private isNews = true; // results may have changed since they were last asked for

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly server: Server,
    private readonly runs: Runs,
  ) {
    const kept = context.workspaceState.get<Kept>(KEPT);
    if (kept !== undefined) {
      this.subject = kept.subject;
      this.known.set(key(kept.subject.uri, kept.subject.program), { last: kept.last, earlier: true });
      this.chosen.set(siteKey(kept.subject), kept.chosen ?? 0);
      this.order = kept.order ?? FIRST_LOOK.order;
      this.traced = kept.trace;
    }
    this.listening = [
      vscode.window.registerWebviewViewProvider(VIEW, this),
      vscode.window.onDidChangeTextEditorSelection((event) => this.follow(event.textEditor.document, MILLISECONDS_AFTER_MOVE)),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.follow(editor?.document, 0)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.news(document, MILLISECONDS_AFTER_EDIT);
      }),
      runs.onEvent((event) => this.ran(event)),
      server.onLenses((uri) => {
        if (vscode.window.activeTextEditor?.document.uri.toString() === uri.toString()) {
          this.news(vscode.window.activeTextEditor.document, MILLISECONDS_AFTER_EDIT);
        }
      }),
      server.onChange(() => this.serverChanged()),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.showing);
    this.looking?.cancel();
    for (const each of this.listening) each.dispose();
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const folder = vscode.Uri.joinPath(this.context.extensionUri, 'dist', 'view');
    view.webview.options = { enableScripts: true, localResourceRoots: [folder] };
    view.webview.onDidReceiveMessage((message: FromView) => void this.take(message));
    view.onDidChangeVisibility(() => this.follow(vscode.window.activeTextEditor?.document, 0));
    view.onDidDispose(() => (this.view = undefined));
    view.webview.html = page(view.webview, folder);
  }

  /** Show the view; the keyboard goes there only if it is wanted there. */
  async reveal(focus: boolean): Promise<void> {
    if (this.view !== undefined && !focus) {
      this.view.show(true);
      return;
    }
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    if (!focus) await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
  }

  get isVisible(): boolean {
    return this.view?.visible === true;
  }

  // ------------------------------------------------------------------ what happens around it

  private serverChanged(): void {
    if (this.server.state !== 'running') {
      for (const known of this.known.values()) {
        if (known.last !== undefined) known.earlier = true;
      }
      this.isNews = true;
      this.show();
    } else {
      this.follow(vscode.window.activeTextEditor?.document, 0);
    }
  }

  private news(document: vscode.TextDocument, after: number): void {
    if (document.languageId !== 'qvr') return;
    this.isNews = true;
    this.follow(document, after);
  }

  private ran(event: RunEvent): void {
    const target = event.kind === 'prior' ? event.target : event.run;
    const program = target.program ?? (this.subject?.uri === target.uri ? this.subject.program : undefined);
    if (program === undefined) return;
    const known = this.of(target.uri, program);
    if (event.kind === 'prior') {
      known.prior = event.answer;
    } else if (event.kind === 'ended') {
      delete known.run;
      this.isNews = true;
      this.follow(vscode.window.activeTextEditor?.document, 0);
    } else {
      known.run = event.run;
      delete known.prior;
      if (event.kind === 'moved') {
        this.showing ??= setTimeout(() => this.show(), MILLISECONDS_BETWEEN_STEPS);
        return;
      }
    }
    this.show();
  }

  /** Look where the cursor is now, a little later; without a model in front all stays as it is. */
  private follow(document: vscode.TextDocument | undefined, after: number): void {
    if (document?.languageId !== 'qvr' || document !== vscode.window.activeTextEditor?.document) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look().catch((error: unknown) => this.lost(error)), after);
  }

  private async look(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!this.isVisible || editor === undefined || this.server.state !== 'running') return;
    this.looking?.cancel();
    const looking = (this.looking = new vscode.CancellationTokenSource());
    const subject = await subjectAt(this.server.running(), editor.document, editor.selection.active, looking.token);
    if (looking.token.isCancellationRequested || subject === undefined) return;
    if (this.subject?.name?.name !== subject.name?.name) this.most = MOST_ELEMENTS;
    const isOther = key(subject.uri, subject.program) !== (this.subject && key(this.subject.uri, this.subject.program));
    this.subject = subject;
    this.show();
    if (isOther || this.isNews) await this.ask(subject);
  }

  /** The program's last result, as it stands to the text of now. */
  private async ask(subject: Subject): Promise<void> {
    this.isNews = false;
    const known = this.of(subject.uri, subject.program);
    try {
      const { uri, program } = subject;
      const last = await this.server.command<LastResult>('qvr.showResult', { uri, program });
      if (known.last?.finished !== last.finished || last.stale) delete known.prior;
      known.last = last;
      delete known.earlier;
      this.keep();
    } catch (error) {
      if (refusal(error) !== 'no_result') throw error;
    }
    this.show();
  }

  private lost(error: unknown): void {
    this.isNews = true; // asked again with the next move
    this.server.output.debug(`The posterior's view could not be brought up to date: ${String(error)}`);
  }

  /** Keep what is shown over a reload. */
  private keep(): void {
    const { subject, order } = this;
    const last = subject === undefined ? undefined : this.of(subject.uri, subject.program).last;
    if (subject === undefined || last === undefined) return;
    const trace = this.traced?.trace.kind === 'drawn' && !this.traced.trace.answer.running ? { trace: this.traced } : {};
    const kept: Kept = { subject, last, order, chosen: this.lookAt(subject).chosen, ...trace };
    const isSmall = JSON.stringify(kept).length <= MOST_KEPT;
    void this.context.workspaceState.update(KEPT, isSmall ? kept : undefined);
  }

  private of(uri: string, program: string): Known {
    const identity = key(uri, program);
    const known = this.known.get(identity) ?? {};
    this.known.set(identity, known);
    return known;
  }

  // ------------------------------------------------------------------ the view

  private show(): void {
    clearTimeout(this.showing);
    this.showing = undefined;
    const { subject } = this;
    if (subject !== undefined) {
      const canRun = vscode.workspace.isTrusted && this.server.state === 'running';
      this.last = shown(subject, this.of(subject.uri, subject.program), canRun, this.lookAt(subject));
    }
    this.post({ kind: 'show', shown: this.last });
    if (subject !== undefined) void this.trace(subject);
  }

  private lookAt(subject: Subject): Look {
    const chosen = this.chosen.get(siteKey(subject)) ?? 0;
    const site = subject.name?.name;
    const trace = this.traced?.trace;
    const isOfIt = trace !== undefined && trace.site === site && trace.number === chosen && this.traced?.identity.startsWith(key(subject.uri, subject.program));
    return { chosen, order: this.order, most: this.most, trace: isOfIt === true ? trace : null };
  }

  /** Ask for the draws of the number that is shown, unless they are there; those of a run under way again and again. */
  private async trace(subject: Subject): Promise<void> {
    const { figures, standing, chosen } = this.last ?? {};
    const known = this.of(subject.uri, subject.program);
    const isLive = standing?.kind === 'running';
    if (!this.isVisible || figures == null || chosen == null || standing?.kind === 'prior' || this.tracing !== undefined) return;
    if (isLive && known.run?.partial === undefined) return;
    const run = isLive ? `run ${known.run?.partial?.done}` : (known.last?.finished ?? '');
    const identity = `${key(subject.uri, subject.program)} ${figures.name} ${chosen.number} ${run}`;
    if (identity === this.traced?.identity) return;
    const about = { site: figures.name, number: chosen.number };
    const isSame = this.traced?.trace.site === about.site && this.traced.trace.number === about.number;
    if (isLive && isSame && Date.now() - this.tracedAt < MILLISECONDS_BETWEEN_TRACES) return;
    if (this.server.state !== 'running') {
      if (isSame) return;
      this.traced = { identity, trace: { ...about, kind: 'gone', why: 'Run the model again to see the trace.' } };
      this.show();
      return;
    }
    this.tracing = identity;
    let trace: Trace;
    try {
      const { uri, program } = subject;
      const index = indexOf(chosen.number, figures.shape);
      const answer = await this.server.command<TraceAnswer>('qvr.trace', { uri, program, site: figures.name, index });
      trace = { ...about, kind: 'drawn', answer };
    } catch (error) {
      trace = { ...about, kind: 'gone', why: sentence(error) };
    }
    this.tracing = undefined;
    this.tracedAt = Date.now();
    this.traced = { identity, trace };
    if (!isLive) this.keep();
    this.show();
  }

  private post(message: ToView): void {
    void this.view?.webview.postMessage(message);
  }

  private async take(message: FromView): Promise<void> {
    const { subject } = this;
    if (message.kind === 'ready') {
      this.isNews = true;
      this.show();
      this.follow(vscode.window.activeTextEditor?.document, 0);
    } else if (message.kind === 'reveal') {
      await go(message.place);
    } else if (subject !== undefined) {
      const { uri, program } = subject;
      if (message.kind === 'choose') this.chosen.set(siteKey(subject), message.number);
      else if (message.kind === 'order') this.order = message.order;
      else if (message.kind === 'more') this.most += MOST_ELEMENTS;
      if (message.kind === 'choose' || message.kind === 'order' || message.kind === 'more') {
        this.show();
        this.keep();
      } else if (message.kind === 'run') await vscode.commands.executeCommand('qvr.run', { uri, program });
      else if (message.kind === 'stop') await this.runs.cancel({ uri, program });
      else if (message.kind === 'find') {
        const place = await placeOf(this.server.running(), uri, program, message.name);
        if (place !== undefined) await go(place);
      }
    }
  }
}

async function go(place: Place): Promise<void> {
  const at = new vscode.Position(place.line, place.character);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(place.uri));
  // The keyboard stays in the panel, so that one can go from name to name there.
  const editor = await vscode.window.showTextDocument(document, { preserveFocus: true, selection: new vscode.Range(at, at) });
  editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

function siteKey(subject: Subject): string {
  return `${key(subject.uri, subject.program)} ${subject.name?.name ?? ''}`;
}

function key(uri: string, program: string): string {
  return `${uri}#${program}`;
}

function page(webview: vscode.Webview, folder: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${file('panel.css')}">
<title>Posterior</title>
</head>
<body><main id="posterior"></main><script nonce="${nonce}" src="${file('main.js')}"></script></body>
</html>`;
}
