// The plate diagram beside the code: it follows the text, and a click on a node leads to its step.

import * as vscode from 'vscode';
import { sentence } from './answers';
import { page } from './platePage';
import type { Server } from './server';

const MILLISECONDS_AFTER_EDIT = 250;

interface PlateAnswer {
  program: string;
  text: string;
  nodes: { key: string; name: string; range: { start: { line: number; character: number }; end: { line: number; character: number } } }[];
}

/** What the panel is about; the program is known once the server has said which one is around the cursor. */
interface Subject {
  uri: string;
  program?: string;
  position?: { line: number; character: number };
}

export class PlateDiagram implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private subject: Subject | undefined;
  private answer: PlateAnswer | undefined;
  private problem: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private asked = 0;
  private readonly listening: vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.listening = [
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && document.uri.toString() === this.subject?.uri) this.later();
      }),
      server.onChange(() => this.later()),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.panel?.dispose();
    for (const each of this.listening) each.dispose();
  }

  /** Draw the program that is named, else the one around the cursor, else the one that a run would take. */
  async show(target: { uri: string; program?: string }): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const here = editor?.document.uri.toString() === target.uri ? editor.selection.active : undefined;
    this.subject = {
      uri: target.uri,
      ...(target.program === undefined ? {} : { program: target.program }),
      ...(here === undefined ? {} : { position: { line: here.line, character: here.character } }),
    };
    this.answer = undefined;
    await this.draw();
    if (this.answer === undefined) {
      if (this.problem !== undefined) void vscode.window.showErrorMessage(this.problem);
      return;
    }
    this.panel ??= this.opened();
    this.panel.reveal(undefined, true);
    this.paint();
  }

  private later(): void {
    if (this.panel === undefined) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.draw().then(() => this.paint()), MILLISECONDS_AFTER_EDIT);
  }

  private async draw(): Promise<void> {
    const turn = ++this.asked;
    const subject = this.subject;
    if (subject === undefined) return;
    try {
      const answer = await this.server.command<PlateAnswer>('qvr.plate', { ...subject, form: 'svg' });
      if (turn !== this.asked) return;
      this.answer = answer;
      this.problem = undefined;
      this.subject = { uri: subject.uri, program: answer.program };
    } catch (error) {
      if (turn === this.asked) this.problem = sentence(error); // what was drawn last stays
    }
  }

  private opened(): vscode.WebviewPanel {
    const panel = vscode.window.createWebviewPanel(
      'qvr.plate',
      'Plate Diagram',
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, localResourceRoots: [] },
    );
    panel.webview.onDidReceiveMessage((message: { key?: unknown }) => void this.goTo(message.key));
    panel.onDidDispose(() => {
      this.panel = undefined;
      this.subject = undefined;
    });
    return panel;
  }

  private paint(): void {
    if (this.panel === undefined || this.answer === undefined) return;
    this.panel.title = `Plates of ${this.answer.program}`;
    this.panel.webview.html = page(this.answer.text, this.problem);
  }

  private async goTo(key: unknown): Promise<void> {
    const node = this.answer?.nodes.find((each) => each.key === key);
    if (node === undefined || this.subject === undefined) return;
    const { start, end } = node.range;
    const range = new vscode.Range(start.line, start.character, end.line, end.character);
    const uri = vscode.Uri.parse(this.subject.uri);
    const shown = vscode.window.visibleTextEditors.find((editor) => editor.document.uri.toString() === this.subject?.uri);
    const options = { selection: range, ...(shown?.viewColumn === undefined ? {} : { viewColumn: shown.viewColumn }) };
    await vscode.window.showTextDocument(uri, options);
  }
}
