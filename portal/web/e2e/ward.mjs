// What `vigil demo seed` printed.

/** The ward's identifier, whom it laid into which bed, and the staff that it made. */
export function seeded(printed) {
  const lines = printed.trim().split("\n");
  const words = (kind) => lines.map((line) => line.split(" ")).filter(([word]) => word === kind);
  const [ward] = words("ward");
  if (!ward) throw new Error(`demo seed made no ward: ${printed}`);
  return {
    location: ward[ward.indexOf("id") + 1],
    patients: new Map(words("bed").flatMap(([, bed, lies, id]) => (lies === "patient" ? [[bed, id]] : []))),
    users: new Map(words("user").map(([, login, , , , ...password]) => [login, password.join(" ")])),
  };
}
