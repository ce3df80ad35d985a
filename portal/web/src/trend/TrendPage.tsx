import { Alert, Button, SegmentedControl, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { vitals } from "../api/client.ts";
import { timeOfDay } from "../clinical/times.ts";
import type { Station } from "../rt/station.ts";
import { chartData } from "./chartData.ts";
import { LiveTile } from "./LiveTile.tsx";
import { RANGES, rangeOf } from "./ranges.ts";
import { TrendChart } from "./TrendChart.tsx";

interface Props {
  station: Station;
  device: string;
  hours: number;
  onHours: (hours: number) => void;
}

function useTrend(station: Station, device: string, hours: number) {
  const range = rangeOf(hours);
  return useQuery({
    queryKey: ["vitals", device, hours],
    refetchInterval: range.refetchMs,
    queryFn: async ({ signal }) => {
      // The server's clock where it is known: this computer's may be set to anything.
      const toMs = Math.round(station.clock.at(performance.now()) ?? Date.now());
      const fromMs = toMs - hours * 3_600_000;
      return { answer: await vitals(device, fromMs, toMs, range.stepSeconds, signal), fromMs, toMs };
    },
  });
}

/** The last hours of one device. */
export function TrendPage({ station, device, hours, onHours }: Props) {
  const { data, error, refetch, isPending } = useTrend(station, device, hours);
  const charts = useMemo(() => (data ? chartData(data.answer) : []), [data]);
  useEffect(() => {
    document.title = `${device} · Vigil`;
  }, [device]);

  return (
    <div className="trend">
      <div className="trend-head">
        <h1>{device}</h1>
        <a href="/" data-route>
          Back to the ward
        </a>
        <SegmentedControl
          aria-label="Time range"
          data={RANGES.map((r) => ({ value: String(r.hours), label: `${r.hours} h` }))}
          value={String(hours)}
          onChange={(value) => onHours(Number(value))}
        />
      </div>
      <LiveTile station={station} device={device} />
      <div className="charts">
        {error && (
          <Alert color="red" title={data ? `Not updated since ${timeOfDay(data.toMs)}` : "The trend cannot be shown"}>
            <p>{error.message}. Do not assume that nothing happened.</p>
            <Button onClick={() => refetch()}>Try again</Button>
          </Alert>
        )}
        {isPending && !error && <Waiting />}
        {data && charts.length === 0 && !error && (
          <p className="says" data-testid="empty">
            No readings in the last {hours} h. Choose a longer range, or check that the device is connected.
          </p>
        )}
        {data && charts.map((c) => <TrendChart key={c.group.key} data={c} fromMs={data.fromMs} toMs={data.toMs} />)}
      </div>
    </div>
  );
}

/** The charts' own geometry, so that nothing jumps when they come. */
function Waiting() {
  return (
    <div role="status" aria-label="Loading the trend">
      {["hr", "spo2", "rr"].map((key) => (
        <Skeleton key={key} height={180} mb={12} />
      ))}
    </div>
  );
}
