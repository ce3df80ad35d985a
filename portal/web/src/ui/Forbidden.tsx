import type { Permission } from "../api/types.gen.ts";
import { PERMISSIONS } from "./words.ts";

/** Says what is missing, so that somebody knows what to ask for. */
export function Forbidden({ missing }: { missing: Permission | null }) {
  return (
    <div role="alert" data-testid="forbidden">
      <p>
        None of your roles allows you to {missing ? PERMISSIONS[missing] : "do this"}
        {missing && (
          <>
            {" "}
            (permission <code>{missing}</code>)
          </>
        )}
        .
      </p>
      <p>If your work needs it, ask an administrator for a role that has it.</p>
    </div>
  );
}
