// Elements of the page, made without any HTML in text, so that no name of a model can be markup.

type Child = Node | string | null;
const SVG = 'http://www.w3.org/2000/svg';

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  fill(made, attributes, children);
  return made;
}

export function drawn(name: string, attributes: Record<string, string>, ...children: Child[]): SVGElement {
  const made = document.createElementNS(SVG, name);
  fill(made, attributes, children);
  return made as SVGElement;
}

export function button(text: string, label: string, act: () => void, look = ''): HTMLButtonElement {
  const made = element('button', { type: 'button', 'aria-label': label, class: look }, text);
  made.addEventListener('click', act);
  return made;
}

function fill(made: Element, attributes: Record<string, string>, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== '') made.setAttribute(name, value);
  }
  made.append(...children.filter((each): each is Node | string => each !== null));
}
