// `\otimes` for ⊗ and its kin: completions after a backslash, and a list to choose from.

import * as vscode from 'vscode';

export const SYMBOLS: readonly (readonly [name: string, symbol: string, meaning: string])[] = [
  ['otimes', '⊗', 'for each pair of elements'],
  ['gets', '←', 'draws a name'],
  ['leftarrow', '←', 'draws a name'],
  ['to', '→', 'from a domain to a codomain'],
  ['rightarrow', '→', 'from a domain to a codomain'],
  ['ne', '≠', 'differ'],
  ['le', '≤', 'less or equal'],
  ['ge', '≥', 'greater or equal'],
  ...['alpha α', 'beta β', 'gamma γ', 'delta δ', 'epsilon ε', 'zeta ζ', 'eta η', 'theta θ', 'kappa κ'].map(greek),
  ...['lambda λ', 'mu μ', 'nu ν', 'xi ξ', 'pi π', 'rho ρ', 'sigma σ', 'tau τ', 'phi φ', 'chi χ', 'psi ψ'].map(greek),
  ...['omega ω', 'Gamma Γ', 'Delta Δ', 'Theta Θ', 'Lambda Λ', 'Sigma Σ', 'Phi Φ', 'Psi Ψ', 'Omega Ω'].map(greek),
  ...Array.from('₀₁₂₃₄₅₆₇₈₉', (digit, value) => [`_${value}`, digit, 'subscript'] as const),
];

function greek(pair: string): readonly [string, string, string] {
  const [name, letter] = pair.split(' ') as [string, string];
  return [name, letter, 'a letter of a name'];
}

const WRITTEN = /\\[A-Za-z_0-9]*$/;

/** The symbols of what is written up to a place, which they would replace; none where no backslash is. */
export function completions(before: string): { start: number; items: { label: string; symbol: string; meaning: string }[] } {
  const written = WRITTEN.exec(before);
  if (written === null || before.slice(0, written.index).includes('#')) return { start: 0, items: [] };
  const items = SYMBOLS.map(([name, symbol, meaning]) => ({ label: `\\${name}`, symbol, meaning }));
  return { start: written.index, items };
}

export function register(selector: vscode.DocumentSelector): vscode.Disposable[] {
  const provider: vscode.CompletionItemProvider = {
    provideCompletionItems(document, position) {
      const before = document.lineAt(position).text.slice(0, position.character);
      const { start, items } = completions(before);
      const range = new vscode.Range(position.line, start, position.line, position.character);
      return items.map(({ label, symbol, meaning }) => {
        const item = new vscode.CompletionItem({ label, detail: ` ${symbol}`, description: meaning }, vscode.CompletionItemKind.Text);
        return Object.assign(item, { insertText: symbol, filterText: label, range });
      });
    },
  };
  const insert = async (): Promise<void> => {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined) return;
    const entries = SYMBOLS.map(([name, symbol, meaning]) => ({ label: symbol, description: `\\${name}`, detail: meaning }));
    const chosen = await vscode.window.showQuickPick(entries, { placeHolder: 'Which symbol?', matchOnDescription: true });
    if (chosen !== undefined) {
      await editor.edit((edit) => editor.selections.forEach((selection) => edit.replace(selection, chosen.label)));
    }
  };
  return [
    vscode.languages.registerCompletionItemProvider(selector, provider, '\\'),
    vscode.commands.registerCommand('qvr.insertSymbol', insert),
  ];
}
