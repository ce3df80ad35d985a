import { TextInput } from "@mantine/core";
import type { Ref } from "react";

const CODE = "Code of your authenticator";

/** Six digits of an authenticator, for the form's `code`; blanks that were copied along do not matter. */
export function CodeField({ ref, label = CODE }: { ref?: Ref<HTMLInputElement>; label?: string }) {
  return (
    <TextInput
      ref={ref}
      name="code"
      label={label}
      inputMode="numeric"
      autoComplete="one-time-code"
      pattern="\s*[0-9]{6}\s*"
      title="Six digits"
      required
    />
  );
}
