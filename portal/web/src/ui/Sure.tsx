import { Button, Group } from "@mantine/core";
import { useEffect, useRef, useState } from "react";

interface Props {
  /** What the button says. */
  act: string;
  /** Of what, for somebody who hears the button alone. */
  of: string;
  /** What the second press says. */
  really: string;
  sending: boolean;
  onSure: () => void;
}

/** A press that asks once more, where it stands, before it does what cannot be taken back. */
export function Sure({ act, of, really, sending, onSure }: Props) {
  const [asking, setAsking] = useState(false);
  const first = useRef<HTMLButtonElement>(null);
  const second = useRef<HTMLButtonElement>(null);
  const was = useRef(false);
  useEffect(() => {
    if (asking) second.current?.focus();
    else if (was.current) first.current?.focus();
    was.current = asking;
  }, [asking]);

  if (!asking) {
    return (
      <Button ref={first} variant="default" size="sm" aria-label={`${act}: ${of}`} onClick={() => setAsking(true)}>
        {act}
      </Button>
    );
  }
  return (
    <Group gap="xs" wrap="nowrap" onKeyDown={(event) => event.key === "Escape" && setAsking(false)}>
      <Button
        ref={second}
        color="red.9"
        size="sm"
        aria-label={`${really}: ${of}`}
        loading={sending}
        onClick={() => {
          setAsking(false);
          onSure();
        }}
      >
        {really}
      </Button>
      <Button variant="default" size="sm" onClick={() => setAsking(false)}>
        No
      </Button>
    </Group>
  );
}
