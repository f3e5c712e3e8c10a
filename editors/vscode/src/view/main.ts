// The view inside VS Code: its port is the webview's.

import type { FromView, ToView } from '../panel/messages';
import { mount } from './panel';

const host = acquireVsCodeApi();
const root = document.getElementById('posterior');
if (root !== null) {
  mount(root, {
    send: (message: FromView) => host.postMessage(message),
    listen: (take) => window.addEventListener('message', (event: MessageEvent<ToView>) => take(event.data)),
  });
}
