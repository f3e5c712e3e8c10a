// `\otimes` for ⊗ and its kin: a list to choose from, and completions after a backslash while no server completes them.

import * as vscode from 'vscode';
import type { Server } from './server';
import SYMBOLS from './symbols.json';

const MEANINGS: Record<string, string> = {
  '⊗': 'for each pair of elements',
  '←': 'draws a name',
  '→': 'from a domain to a codomain',
  '≠': 'differ',
  '≤': 'less or equal',
  '≥': 'greater or equal',
};
const WRITTEN = /\\[A-Za-z_0-9]*$/;

function meaning(symbol: string): string {
  return MEANINGS[symbol] ?? (/[₀-₉]/.test(symbol) ? 'subscript' : 'a letter of a name');
}

function completions(document: vscode.TextDocument, position: vscode.Position): vscode.CompletionItem[] {
  const before = document.lineAt(position).text.slice(0, position.character);
  const written = WRITTEN.exec(before);
  if (written === null || before.slice(0, written.index).includes('#')) return [];
  const range = new vscode.Range(position.line, written.index, position.line, position.character);
  return Object.entries(SYMBOLS).map(([name, symbol]) => {
    const label = { label: `\\${name}`, detail: ` ${symbol}`, description: meaning(symbol) };
    const item = new vscode.CompletionItem(label, vscode.CompletionItemKind.Text);
    return Object.assign(item, { insertText: symbol, filterText: label.label, range });
  });
}

async function insert(): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return;
  const entries = Object.entries(SYMBOLS).map(([name, symbol]) => ({ label: symbol, description: `\\${name}`, detail: meaning(symbol) }));
  const chosen = await vscode.window.showQuickPick(entries, { placeHolder: 'Which symbol?', matchOnDescription: true });
  if (chosen === undefined) return;
  await editor.edit((edit) => editor.selections.forEach((selection) => edit.replace(selection, chosen.label)));
}

export function register(selector: vscode.DocumentSelector, server: Server): vscode.Disposable[] {
  const provider: vscode.CompletionItemProvider = {
    provideCompletionItems: (document, position) => (server.state === 'running' ? [] : completions(document, position)),
  };
  return [
    vscode.languages.registerCompletionItemProvider(selector, provider, '\\'),
    vscode.commands.registerCommand('qvr.insertSymbol', insert),
  ];
}
