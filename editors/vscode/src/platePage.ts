// The page of a plate diagram: the server's drawing in the editor's colours, its nodes links.

import { randomBytes } from 'node:crypto';

const THEME = `
body { padding: 1rem; }
.problem { color: var(--vscode-editorWarning-foreground); }
svg { max-width: 100%; height: auto; }
body .qvr-plate { --ink: var(--vscode-editor-foreground); --dim: var(--vscode-descriptionForeground);
  --page: var(--vscode-editor-background); --line: var(--vscode-editor-foreground);
  --border: var(--vscode-descriptionForeground); --tint: var(--vscode-textLink-foreground);
  --shade: color-mix(in srgb, var(--vscode-editor-foreground) 18%, var(--vscode-editor-background));
  font-family: var(--vscode-font-family); }
.qvr-plate .node { cursor: pointer; }
.qvr-plate .node:hover .shape, .qvr-plate .node:focus-visible .shape { stroke: var(--vscode-focusBorder); stroke-width: 2.5; }
.qvr-plate .node:focus { outline: none; }
`;

const SCRIPT = `
const editor = acquireVsCodeApi();
for (const node of document.querySelectorAll('.qvr-plate .node')) {
  const go = () => editor.postMessage({ key: node.dataset.key });
  node.tabIndex = 0;
  node.setAttribute('role', 'link');
  node.addEventListener('click', go);
  node.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); go(); }
  });
}
`;

/** The page of a drawing; its own style sheet goes where the policy allows one. */
export function page(svg: string, problem: string | undefined): string {
  const nonce = randomBytes(16).toString('base64');
  const style = /<style>([\s\S]*?)<\/style>/.exec(svg)?.[1] ?? '';
  const drawing = svg.replace(/<style>[\s\S]*?<\/style>/, '').replace('role="img"', 'role="group"');
  const told = problem === undefined ? '' : `<p class="problem" role="status">${escaped(problem)} This is the last drawing.</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'">
<style nonce="${nonce}">${style}${THEME}</style>
</head>
<body>
${told}${drawing}
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>`;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
