import { changePassword, changePin } from "../api/account.ts";
import { Page } from "../ui/Page.tsx";
import { useHere, useWatch } from "../ui/useHere.ts";
import { ROLES } from "../ui/words.ts";
import { AuthenticatorSection } from "./AuthenticatorSection.tsx";
import { RecoverySection } from "./RecoverySection.tsx";
import { SecretSection } from "./SecretSection.tsx";
import { SessionsSection } from "./SessionsSection.tsx";

/** What somebody signs in with, and where they are signed in. */
export function AccountPage() {
  const { user, roles } = useHere();
  const watch = useWatch();
  return (
    <Page title="My account">
      <p>
        {user?.display_name} ({user?.login}){roles.length > 0 && `: ${roles.map((role) => ROLES[role]).join(", ")}`}
      </p>
      <SessionsSection />
      <SecretSection
        title="Password"
        field={{
          label: "New password",
          description: "At least 12 characters. Changing it signs you out everywhere else.",
          autoComplete: "new-password",
          minLength: 12,
        }}
        act="Change the password"
        holds="The password is changed."
        change={async (password) => watch.take(await changePassword(password))}
      />
      <SecretSection
        title="PIN"
        field={{
          label: "New PIN",
          description: "6 to 12 digits. It unlocks a station where you gave two factors in this shift.",
          inputMode: "numeric",
          pattern: "[0-9]{6,12}",
          title: "6 to 12 digits",
          autoComplete: "off",
        }}
        act="Set the PIN"
        holds="The PIN is set."
        change={changePin}
      />
      <AuthenticatorSection />
      <RecoverySection />
    </Page>
  );
}
