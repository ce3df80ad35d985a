import { Button, Group } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";

interface Props {
  title: string;
  /** What to do with it, and that it is not shown again. */
  says: ReactNode;
  /** One or several lines. */
  secret: readonly string[];
  done: string;
  onDone: () => void;
}

/** Something that the server tells once. It is nowhere but in this element. */
export function Once({ title, says, secret, done, onDone }: Props) {
  const head = useRef<HTMLHeadingElement>(null);
  const [copied, setCopied] = useState("");
  useEffect(() => head.current?.focus(), []);
  const copy = () =>
    navigator.clipboard.writeText(secret.join("\n")).then(
      () => setCopied("Copied."),
      () => setCopied("This browser does not let it be copied: write it down."),
    );
  return (
    <section className="once" data-testid="once" aria-labelledby="once-title">
      <h2 id="once-title" ref={head} tabIndex={-1}>
        {title}
      </h2>
      <p>{says}</p>
      <ul className="secret">
        {secret.map((line) => (
          <li key={line}>
            <code>{line}</code>
          </li>
        ))}
      </ul>
      <Group>
        <Button variant="default" onClick={copy}>
          Copy
        </Button>
        <Button onClick={onDone}>{done}</Button>
        <span role="status">{copied}</span>
      </Group>
    </section>
  );
}
