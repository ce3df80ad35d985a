import type uPlot from "uplot";
import { hourMinute } from "../clinical/times.ts";
import { type GroupData, yRange } from "./chartData.ts";

const HEIGHT = 150;
/** Half the width of the caps of a pressure's double-ended T, in CSS px. */
const CAP = 4;

const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** All charts of a page share one cursor. */
const SYNC = "trend";

function axis(): Partial<uPlot.Axis> {
  return { stroke: token("--label"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false } };
}

/** Systolic to diastolic as a double-ended T at each measurement (CUI GTAB-039). */
function pressureBars(u: uPlot, colour: string): void {
  const [systolic, diastolic] = [u.data[1], u.data[4]];
  if (!systolic || !diastolic) return;
  const { ctx } = u;
  const cap = CAP * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  for (const [i, time] of u.data[0].entries()) {
    const [high, low] = [systolic[i], diastolic[i]];
    if (typeof high !== "number" || typeof low !== "number") continue;
    const x = u.valToPos(time, "x", true);
    const [top, bottom] = [u.valToPos(high, "y", true), u.valToPos(low, "y", true)];
    ctx.moveTo(x - cap, top);
    ctx.lineTo(x + cap, top);
    ctx.moveTo(x, top);
    ctx.lineTo(x, bottom);
    ctx.moveTo(x - cap, bottom);
    ctx.lineTo(x + cap, bottom);
  }
  ctx.stroke();
  ctx.restore();
}

/** Columns for uPlot: the times, then mean, max, min of each line. */
export function columns(data: GroupData): uPlot.AlignedData {
  return [data.times, ...data.lines.flatMap((l) => [l.mean, l.max, l.min])] as uPlot.AlignedData;
}

/** Mean as a line, lowest to highest of each bucket as a band. Pressures of a cuff are bars with no line between. */
export function options(data: GroupData, width: number, from: number, to: number): uPlot.Options {
  const colour = token(`--p-${data.group.key}`);
  const { range } = yRange(data);
  const spot = data.group.spot;
  const cuff = spot && data.lines.length > 1;
  const series: uPlot.Series[] = data.lines.flatMap((_, i): uPlot.Series[] => [
    {
      stroke: cuff && i < 2 ? "transparent" : colour,
      width: cuff ? 0 : 1.5,
      points: spot ? { show: !cuff || i === 2, size: 5, fill: colour } : {},
    },
    { stroke: "transparent", width: 0, points: { show: false } },
    { stroke: "transparent", width: 0, points: { show: false } },
  ]);
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: SYNC }, y: false, points: { show: false } },
    scales: { x: { time: true, range: [from / 1000, to / 1000] }, y: { range } },
    axes: [
      { ...axis(), size: 26, values: (_u, ticks) => ticks.map((t) => hourMinute(t * 1000)) },
      { ...axis(), size: 44, space: 24 },
    ],
    series: [{}, ...series],
    bands: (cuff ? [] : data.lines).map((_, i) => ({ series: [i * 3 + 2, i * 3 + 3], fill: `${colour}38` })),
    hooks: cuff ? { draw: [(u) => pressureBars(u, colour)] } : {},
  };
}
