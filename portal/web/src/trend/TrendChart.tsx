import { type CSSProperties, useEffect, useRef } from "react";
import uPlot from "uplot";
import { numeral } from "../clinical/reading.ts";
import { timeOfDay } from "../clinical/times.ts";
import { type GroupData, yRange } from "./chartData.ts";
import { columns, options } from "./plot.ts";

interface Props {
  data: GroupData;
  fromMs: number;
  toMs: number;
}

/** One group over time, with its newest bucket beside it. */
export function TrendChart({ data, fromMs, toMs }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const { group, latest } = data;

  useEffect(() => {
    const node = host.current;
    if (!node) return;
    const plot = new uPlot(options(data, node.clientWidth, fromMs, toMs), columns(data), node);
    const sizes = new ResizeObserver(() => plot.setSize({ width: node.clientWidth, height: plot.height }));
    sizes.observe(node);
    return () => {
      sizes.disconnect();
      plot.destroy();
    };
  }, [data, fromMs, toMs]);

  const text = numeral(
    group.parameters.map((_, i) => latest.values[i]),
    group.decimals,
  );
  const { widened } = yRange(data);
  const spoken = `${group.label}: lowest ${data.lowest.toFixed(group.decimals)}, highest ${data.highest.toFixed(group.decimals)}, last ${text} ${group.unit} at ${timeOfDay(latest.at_ms)}`;
  return (
    <section className="chart" data-group={group.key} data-testid={`chart-${group.key}`}>
      <h2>
        {group.label} <span className="unit">{group.unit}</span>
        {widened && <span className="widened">scale widened</span>}
      </h2>
      <div className="plot" ref={host} role="img" aria-label={spoken} />
      <p className="newest" style={{ "--colour": `var(--p-${group.key})` } as CSSProperties}>
        <b>{text}</b>
        <span>{timeOfDay(latest.at_ms)}</span>
      </p>
    </section>
  );
}
