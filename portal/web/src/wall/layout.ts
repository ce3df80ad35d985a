/** Below this a numeral falls under 16 arc-min at arm's length; the wall scrolls instead. CSS px. */
const SMALLEST = { width: 280, height: 175 };
/** Width to height of a tile that reads best with three numerals beside each other. */
const SHAPE = 1.7;

export interface Grid {
  columns: number;
  /** Height of a row in px. */
  row: number;
}

/** The number of columns that gives the largest tiles of a readable shape, all on one screen where they fit. */
export function grid(width: number, height: number, tiles: number, gap: number): Grid {
  const most = Math.max(1, Math.floor((width + gap) / (SMALLEST.width + gap)));
  let best: Grid = { columns: Math.min(most, Math.max(1, tiles)), row: SMALLEST.height };
  let bestSize = 0;
  for (let columns = 1; columns <= Math.min(most, tiles); columns += 1) {
    const rows = Math.ceil(tiles / columns);
    const across = (width - gap * (columns - 1)) / columns;
    const down = (height - gap * (rows - 1)) / rows;
    const size = Math.min(across, down * SHAPE);
    if (down >= SMALLEST.height && size > bestSize) {
      best = { columns, row: Math.floor(Math.min(down, across / 1.1)) };
      bestSize = size;
    }
  }
  return best;
}
