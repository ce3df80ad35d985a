import { Button, Group } from "@mantine/core";
import { useEffect, useRef } from "react";
import { stepUp as give } from "../api/identity.ts";
import { CodeField } from "./CodeField.tsx";
import { onFields } from "./form.ts";
import { Problem } from "./Problem.tsx";
import { stepUp } from "./stepUp.ts";
import { useWatch } from "./useHere.ts";
import { useSend } from "./useSend.ts";

/**
 * Asks for a fresh code before something grave. Over the page only, not over the browser: a modal one would cover the
 * alarms and silence what a screen reader says of them.
 */
export function StepUpDialog() {
  const watch = useWatch();
  const field = useRef<HTMLInputElement>(null);
  const { send, sending, problem } = useSend(give, (session) => {
    watch.take(session);
    stepUp.confirmed();
  });
  useEffect(() => {
    const before = document.activeElement;
    field.current?.focus();
    return () => {
      // The page behind can be focused again only once it is painted.
      requestAnimationFrame(() => before instanceof HTMLElement && before.isConnected && before.focus());
    };
  }, []);

  return (
    <div className="over">
      <div
        className="dialog"
        role="dialog"
        aria-labelledby="step-up-title"
        onKeyDown={(event) => event.key === "Escape" && stepUp.cancelled()}
      >
        <h2 id="step-up-title">Is it you?</h2>
        <p>This is grave enough to ask again. What you typed stays.</p>
        <form onSubmit={onFields((text) => void send(text("code").trim()))}>
          <CodeField ref={field} />
          <Group mt="md">
            <Button type="submit" loading={sending}>
              Confirm
            </Button>
            <Button variant="default" onClick={() => stepUp.cancelled()}>
              Cancel
            </Button>
          </Group>
        </form>
        <Problem error={problem} title="Not confirmed" />
      </div>
    </div>
  );
}
