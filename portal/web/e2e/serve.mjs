// HTTP around the made-up API: cookies in and out, JSON, problems.
import { Problem, refuse } from "./answers.mjs";

function cookiesOf(request) {
  const jar = new URLSearchParams((request.headers.cookie ?? "").replaceAll(/;\s*/g, "&"));
  return { session: jar.get("vigil"), station: jar.get("vigil-station") };
}

export function visitOf(identity, request) {
  return identity.visit(cookiesOf(request));
}

/** Answers one request to /api/… as the portal would. */
export async function serveIdentity(identity, request, url, response) {
  let text = "";
  for await (const chunk of request) text += chunk;
  const send = (status, body, type) => {
    response.statusCode = status;
    response.setHeader("cache-control", "no-store");
    if (body === undefined) return response.end();
    response.setHeader("content-type", type);
    return response.end(JSON.stringify(body));
  };
  try {
    const typed = request.headers["content-type"]?.startsWith("application/json");
    if (text && !typed) refuse(400, "invalid_body");
    const body = text ? JSON.parse(text) : {};
    const made = identity.answer(request.method, url.pathname, url.searchParams, body, cookiesOf(request));
    const names = { session: "vigil", station: "vigil-station" };
    const set = Object.entries(made.cookies ?? {}).map(
      ([jar, token]) => `${names[jar]}=${token}; HttpOnly; SameSite=Strict; Path=/${token ? "" : "; Max-Age=0"}`,
    );
    if (set.length > 0) response.setHeader("set-cookie", set);
    for (const [name, value] of Object.entries(made.headers ?? {})) response.setHeader(name, value);
    if (made.text) {
      response.setHeader("content-type", "text/csv");
      return response.end(made.text);
    }
    return send(made.status ?? 200, made.body, "application/json");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { status, code, detail, retryAfter } = error;
    if (retryAfter) response.setHeader("retry-after", String(retryAfter));
    return send(status, { type: "about:blank", title: code, status, code, detail }, "application/problem+json");
  }
}
