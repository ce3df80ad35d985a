import { Button, Group, PasswordInput, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import * as api from "../api/identity.ts";
import { onFields } from "../ui/form.ts";
import { Page } from "../ui/Page.tsx";
import { Problem } from "../ui/Problem.tsx";
import { useHere, useWatch } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";
import { CodeForm } from "./CodeForm.tsx";

/** Two factors, or the PIN on a station where they were given in this shift. */
export function SignInPage() {
  const session = useHere();
  const station = session.station;
  const [byPin, setByPin] = useState(Boolean(station));
  if (session.state === "half") {
    return (
      <Page title="Second factor" narrow>
        <CodeForm />
      </Page>
    );
  }
  return (
    <Page title="Sign in" narrow>
      {station ? (
        <p>This screen is the station {station.name}.</p>
      ) : (
        <p>Alarms show here only while you are signed in.</p>
      )}
      {byPin && station ? <PinForm /> : <PasswordForm />}
      {station && (
        <Group>
          <Button variant="default" onClick={() => setByPin(!byPin)}>
            {byPin ? "Use a password and a code" : "Use a PIN"}
          </Button>
          <a href="/" data-route>
            Back to the ward
          </a>
        </Group>
      )}
      {!station && (
        <p>
          <a href="/station" data-route>
            Make this screen a station
          </a>
        </p>
      )}
    </Page>
  );
}

function useFirstField() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return field;
}

function PasswordForm() {
  const watch = useWatch();
  const field = useFirstField();
  const { send, sending, problem } = useSend(api.signIn, (said) => watch.take(said));
  return (
    <>
      <Problem error={problem} title="Not signed in" />
      <form className="fields" onSubmit={onFields((text) => void send(text("login").trim(), text("password")))}>
        <TextInput ref={field} name="login" label="User name" autoComplete="username" autoCapitalize="none" required />
        <PasswordInput name="password" label="Password" autoComplete="current-password" required />
        <Button type="submit" loading={sending}>
          Continue
        </Button>
      </form>
    </>
  );
}

function PinForm() {
  const watch = useWatch();
  const field = useFirstField();
  const { send, sending, problem } = useSend(api.pinSignIn, (said) => watch.take(said));
  return (
    <>
      <p>Your PIN holds here after you gave your password and a code on this station in this shift.</p>
      <Problem error={problem} title="Not signed in" />
      <form className="fields" onSubmit={onFields((text) => void send(text("login").trim(), text("pin")))}>
        <TextInput ref={field} name="login" label="User name" autoComplete="username" autoCapitalize="none" required />
        <PasswordInput name="pin" label="PIN" inputMode="numeric" autoComplete="off" required />
        <Button type="submit" loading={sending}>
          Sign in
        </Button>
      </form>
    </>
  );
}
