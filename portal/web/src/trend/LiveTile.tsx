import { useEffect, useRef } from "react";
import type { Station } from "../rt/station.ts";
import { Tile } from "../wall/tile.ts";

/** The wall's own tile of one device, painted by the station and not by React. */
export function LiveTile({ station, device }: { station: Station; device: string }) {
  const host = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const tile = new Tile(device);
    tile.root.ariaCurrent = "page";
    const paint = (now: number) => {
      const { ward } = station;
      const known = ward.devices.get(device);
      if (!known) return;
      if (!tile.root.isConnected) host.current?.append(tile.root);
      const health = station.health.state(now);
      const over = health === "lost" || health === "off" ? "lost" : health === "live" ? "none" : "late";
      tile.paint({
        device: known,
        readings: ward.numbers.get(device),
        alarms: ward.alarmsOf(device),
        now,
        over,
      });
    };
    const remove = station.add({ change: () => paint(performance.now()), look: paint });
    return () => {
      remove();
      tile.root.remove();
    };
  }, [station, device]);

  return <div className="live-tile" ref={host} />;
}
