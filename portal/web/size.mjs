// Prints what a browser downloads, and fails when the wall's own part or the whole grows past its budget.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

// The wall must load on a slow ward network without the pages' framework.
const WALL_BUDGET_KB = 30;
const WHOLE_BUDGET_KB = 300;

const index = readFileSync("dist/index.html", "utf8");
let wall = 0;
let whole = 0;
for (const name of readdirSync("dist/assets").sort()) {
  const bytes = readFileSync(`dist/assets/${name}`);
  const kb = gzipSync(bytes, { level: 9 }).length / 1024;
  const first = index.includes(name);
  whole += kb;
  wall += first ? kb : 0;
  console.log(`${kb.toFixed(1).padStart(7)} kB gz  ${first ? "wall" : "page"}  ${name}`);
}
console.log(`${wall.toFixed(1).padStart(7)} kB gz  wall of ${WALL_BUDGET_KB}`);
console.log(`${whole.toFixed(1).padStart(7)} kB gz  whole of ${WHOLE_BUDGET_KB}`);
if (wall > WALL_BUDGET_KB || whole > WHOLE_BUDGET_KB) {
  console.error("the bundle is over its budget");
  process.exit(1);
}
