import { describe, expect, it } from "vitest";
import { NOON_ISH } from "../testing/made.ts";
import { GROUPS, groupOf } from "./parameters.ts";
import { cellView, freshness, type Known, numeral } from "./reading.ts";

const known = (value: number | null, ageMs = 0, mark: string | null = null): Known => ({
  value,
  mark,
  measuredMs: NOON_ISH,
  ageMs,
});

function view(parameter: string, values: (Known | undefined)[], over: "none" | "late" | "lost" = "none") {
  const group = groupOf(parameter);
  if (!group) throw new Error(parameter);
  return cellView(group, values, group.spot, over);
}

describe("the age of a number", () => {
  it.each([
    [3_000, false, "live"],
    [3_001, false, "late"],
    [10_000, false, "late"],
    [10_001, false, "stale"],
    [15 * 60_000, true, "live"],
    [15 * 60_000 + 1, true, "late"],
    [60 * 60_000, true, "late"],
    [60 * 60_000 + 1, true, "stale"],
  ] as const)("%i ms, spot %s, is %s", (ageMs, spot, expected) => {
    expect(freshness(ageMs, spot)).toBe(expected);
  });
});

describe("a cell", () => {
  it("shows a live number in colour and nothing else", () => {
    expect(view("hr", [known(72, 400)])).toEqual({ text: "72", note: "", tone: "live" });
  });

  it("greys a late number and says its age", () => {
    expect(view("hr", [known(72, 5_400)])).toEqual({ text: "72", note: "5 s", tone: "grey" });
  });

  it("takes a stale number out of its place and keeps it as the last known", () => {
    expect(view("hr", [known(72, 10_001)])).toEqual({ text: "-?-", note: "last 72 10:42:07", tone: "grey" });
  });

  it("shows a cuff's pressures together with their time, grey after 15 min, gone after 60", () => {
    const cuff = (age: number) => view("nibp_sys", [known(121, age), known(78, age), known(92, age)]);
    expect(cuff(60_000)).toEqual({ text: "121/78 (92)", note: "10:42", tone: "live" });
    expect(cuff(20 * 60_000)).toEqual({ text: "121/78 (92)", note: "10:42", tone: "grey" });
    expect(cuff(61 * 60_000)).toEqual({ text: "-?-", note: "last 121/78 (92) 10:42:07", tone: "grey" });
  });

  it("lets the oldest part of a pressure decide", () => {
    expect(view("abp_sys", [known(121, 200), known(78, 11_000), known(92, 200)]).text).toBe("-?-");
  });

  it("says why there is no number", () => {
    expect(view("spo2", [known(null, 200, "lead_off")])).toEqual({ text: "-?-", note: "LEADS OFF", tone: "grey" });
    expect(view("spo2", [known(97, 200, "lead_off")]).text).toBe("-?-");
    expect(view("hr", [known(null, 200, "overflow")]).text).toBe("+++");
    expect(view("hr", [known(null, 200, "not_available")]).text).toBe("- - -");
    expect(view("hr", [known(null, 200)]).text).toBe("-?-");
    expect(view("hr", [undefined]).text).toBe("- - -");
  });

  it("doubts what the device doubts, and marks it has not heard of", () => {
    expect(view("hr", [known(72, 200, "questionable")]).text).toBe("72?");
    expect(view("hr", [known(72, 200, "something_new")]).text).toBe("72?");
    expect(view("hr", [known(72, 200, "validated")]).text).toBe("72");
  });

  it("shows no number at all over a lost link, however young", () => {
    for (const group of GROUPS) {
      const values = group.parameters.map(() => known(72, 0));
      expect(cellView(group, values, group.spot, "lost")).toEqual({ text: "-?-", note: "", tone: "grey" });
    }
  });

  it("takes the colour away while the link is in doubt", () => {
    expect(view("hr", [known(72, 200)], "late").tone).toBe("grey");
  });
});

describe("numerals", () => {
  it("carry the parameter's decimals", () => {
    expect(numeral([36.84], 1)).toBe("36.8");
    expect(numeral([37], 1)).toBe("37.0");
    expect(numeral([71.6], 0)).toBe("72");
  });

  it("leave out a missing mean and name a missing part", () => {
    expect(numeral([121, 78, undefined], 0)).toBe("121/78");
    expect(numeral([121, null, 92], 0)).toBe("121/– (92)");
  });
});
