/** Writes only what changed: an untouched node costs no layout. */
export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setData(node: HTMLElement, key: string, value: string): void {
  if (node.dataset[key] !== value) node.dataset[key] = value;
}

export function span(className: string, parent: HTMLElement): HTMLSpanElement {
  const node = document.createElement("span");
  node.className = className;
  parent.append(node);
  return node;
}
