import { Button, Radio } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useId } from "react";
import { review } from "../api/breakGlass.ts";
import type { GlassAccess } from "../api/types.gen.ts";
import { dateTime } from "../clinical/times.ts";
import { onFields } from "../ui/form.ts";
import { Problem } from "../ui/Problem.tsx";
import { useHere } from "../ui/useHere.ts";
import { useSend } from "../ui/useSend.ts";
import { REASONS } from "./reasons.ts";

/** One access, and what its reviewer says. */
export function AccessCard({ access }: { access: GlassAccess }) {
  const title = useId();
  const me = useHere().user?.id;
  return (
    <section className="section" aria-labelledby={title} data-testid={`access-${access.id}`}>
      <h2 id={title}>
        {REASONS[access.reason_code]}, {dateTime(access.from)}
      </h2>
      <p>
        User {access.user_id} opened the record of patient {access.patient_id} until {dateTime(access.until)}.
      </p>
      {access.reason && <blockquote>{access.reason}</blockquote>}
      {access.reviewed_at ? (
        <p>
          Reviewed {dateTime(access.reviewed_at)} by user {access.reviewed_by}: {access.review}.
        </p>
      ) : (
        <>
          <p className={access.overdue ? "late" : undefined}>
            {access.overdue ? "OVERDUE: was" : "To be reviewed"} {access.overdue && "to be reviewed "}by{" "}
            {dateTime(access.due_at)}.
          </p>
          {access.user_id === me ? <p>This was you: somebody else reviews it.</p> : <ReviewForm access={access} />}
        </>
      )}
    </section>
  );
}

function ReviewForm({ access }: { access: GlassAccess }) {
  const queries = useQueryClient();
  const { send, sending, problem } = useSend(review, () => {
    void queries.invalidateQueries({ queryKey: ["accesses"] });
  });
  return (
    <>
      <Problem error={problem} title="Not reviewed" />
      <form
        className="fields"
        onSubmit={onFields((text) => void send(access.id, text("review") === "yes" ? "justified" : "unjustified"))}
      >
        <Radio.Group name="review" label="Was it justified?" required>
          <Radio value="yes" label="Yes" mt="xs" required />
          <Radio value="no" label="No" mt="xs" required />
        </Radio.Group>
        <Button type="submit" loading={sending}>
          Sign the review
        </Button>
      </form>
    </>
  );
}
