import { TextInput } from "@mantine/core";

/** A place by its identifier, until places have pages of their own to choose from. */
export function LocationField({ label, required = false }: { label: string; required?: boolean }) {
  return (
    <TextInput
      name="location_id"
      label={label}
      autoComplete="off"
      spellCheck={false}
      pattern="\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\s*"
      title="An identifier such as 0190f000-0000-7000-8000-000000000001"
      required={required}
    />
  );
}
