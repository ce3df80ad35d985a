import type { CodeGiven } from "../api/types.gen.ts";
import { hourMinute } from "../clinical/times.ts";
import { Once } from "../ui/Once.tsx";

/** The code that makes a screen a station, and where to type it. */
export function StationCodeOnce({ made, onDone }: { made: CodeGiven; onDone: () => void }) {
  const until = hourMinute(Date.parse(made.code_expires_at));
  return (
    <Once
      title={`The code for ${made.station.name}`}
      says={`On that screen, open ${location.origin}/station and type the code by ${until}. It is good once and is not shown again.`}
      secret={[made.code]}
      done="It is typed in"
      onDone={onDone}
    />
  );
}
