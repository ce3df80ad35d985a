import type { FormEvent } from "react";

/** Reads a form on submit. Fields are the browser's: what is typed into them never enters component state. */
export function onFields(work: (text: (name: string) => string, form: HTMLFormElement) => void) {
  return (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    work((name) => {
      const value = fields.get(name);
      return typeof value === "string" ? value : "";
    }, form);
  };
}
